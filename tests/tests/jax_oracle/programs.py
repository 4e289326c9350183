"""Programs and what JAX makes of them: `programs.py FOLDER STABLEHLO_VERSION`.

Each program is lowered by JAX, run by JAX on the CPU, and written into the folder: as StableHLO text
(`NAME.mlir`), as a portable artifact of the version given or of JAX's own if that is older
(`NAME.bytecode`), and every input and output as its bytes in row-major order. `index.json` says which
files there are. The inputs are the same in every run.
"""

import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxlib.mlir.dialects import stablehlo

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

PROGRAMS = []


def program(*make_inputs):
    """Takes a function into the list, with one function per input that draws it."""

    def take(function):
        # A seed of its own for each program: one more program changes no other.
        random = np.random.default_rng(seed=[len(PROGRAMS), 20240229])
        PROGRAMS.append((function, [make(random) for make in make_inputs]))
        return function

    return take


def normal(dtype, *shape):
    def draw(random):
        values = random.standard_normal(shape)
        if jnp.issubdtype(dtype, jnp.complexfloating):
            values = values + 1j * random.standard_normal(shape)
        return np.asarray(values).astype(dtype)

    return draw


def whole(dtype, *shape, low=None, high=None):
    limits = jnp.iinfo(dtype)
    low = limits.min if low is None else low
    high = limits.max if high is None else high
    return lambda random: random.integers(low, high, shape, dtype=dtype, endpoint=True)


def truth(*shape):
    return lambda random: random.integers(0, 2, shape).astype(np.bool_)


F32, F64, F16, BF16 = np.float32, np.float64, np.float16, jnp.bfloat16


@program(normal(F32, 5, 8), normal(F32, 8, 16), normal(F32, 16), normal(F32, 16, 3), normal(F32, 3))
def mlp(x, w1, b1, w2, b2):
    hidden = jax.nn.relu(x @ w1 + b1)
    return jax.nn.softmax(hidden @ w2 + b2)


@program(normal(F32, 5, 8), whole(np.int32, 5, low=0, high=2), normal(F32, 8, 16), normal(F32, 16, 3))
def mlp_gradient(x, label, w1, w2):
    def loss(w1, w2):
        scores = jax.nn.log_softmax(jnp.tanh(x @ w1) @ w2)
        return -jnp.take_along_axis(scores, label[:, None], axis=1).mean()

    value, (d1, d2) = jax.value_and_grad(loss, argnums=(0, 1))(w1, w2)
    return value, d1, d2


@program(normal(F32, 2, 9, 9, 3), normal(F32, 3, 3, 3, 4))
def convolution(image, kernel):
    numbers = ("NHWC", "HWIO", "NHWC")
    strided = lax.conv_general_dilated(image, kernel, (2, 2), "SAME", dimension_numbers=numbers)
    dilated = lax.conv_general_dilated(
        image, kernel, (1, 1), [(0, 1), (2, 0)], rhs_dilation=(2, 1), dimension_numbers=numbers
    )
    pooled = lax.reduce_window(dilated, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return strided, pooled


@program(normal(F32, 12, 4), normal(F32, 6), normal(F32, 4, 6), normal(F32, 6, 6))
def scan(inputs, state, w, u):
    def step(state, x):
        state = jnp.tanh(x @ w + state @ u)
        return state, state.sum()

    return lax.scan(step, state, inputs)


@program(normal(BF16, 4, 8), normal(BF16, 8, 5))
def bf16(x, w):
    return x @ w, jnp.exp(x), (x.astype(F32) * 3).astype(BF16), jnp.max(x, axis=0)


@program(normal(F16, 4, 8), normal(F16, 8, 5))
def f16(x, w):
    return x @ w, jnp.tanh(x), (x.astype(F64) / 7).astype(F16)


@program(normal(F64, 4, 4), normal(F64, 4))
def f64(a, x):
    return a @ x, jnp.sin(x) + jnp.log1p(x * x), jnp.cumsum(a, axis=1)


@program(normal(np.complex64, 4, 8), normal(np.complex64, 8, 3))
def complex_64(a, b):
    return a @ b, jnp.abs(a), jnp.exp(a) / (2 + 1j), jnp.conj(b).real, b.imag


@program(normal(np.complex128, 16), normal(F64, 16))
def complex_128(z, x):
    return z * jnp.roll(z, 1), jnp.fft.fft(z), lax.complex(x, -x), jnp.sqrt(z)


@program(whole(np.int32, 33), whole(np.int32, 33), whole(np.int32, 33, low=0, high=31))
def integers(a, b, shift):
    divisor = jnp.where(b == 0, 1, b)
    return (
        a + b,
        a * b,
        lax.div(a, divisor),
        lax.rem(a, divisor),
        a // divisor,
        a << shift,
        lax.shift_right_arithmetic(a, shift),
        lax.shift_right_logical(a, shift),
        (a & b) ^ ~(a | b),
        lax.population_count(a),
        lax.clz(b),
        jnp.sort(a),
        jnp.argmax(b),
    )


@program(whole(np.int8, 7, 3), whole(np.int8, 3, 5), whole(np.uint16, 9), whole(np.int64, 9), whole(np.uint64, 9))
def widths(a, b, c, d, e):
    product = lax.dot(a, b, preferred_element_type=np.int32)
    return a * a, product, c * c + c, d * d - d, e // 3, d.astype(np.int8), c.astype(np.uint64) * e, (d % 1000).astype(F64)


@program(truth(6, 5), truth(6, 5), whole(np.int16, 6, 5), whole(np.int16, 6, 5))
def booleans(p, q, a, b):
    return p & q, p | q, p ^ q, ~p, a < b, a == b, p.any(axis=0), p.all(), jnp.where(p & ~q, a, b), p.sum(dtype=np.int32)


@program(whole(np.uint32, 2))
def random_bits(key):
    first, second = jax.random.split(jax.random.wrap_key_data(key))
    return jax.random.bits(first, (3, 7)), jax.random.permutation(second, 20), jax.random.randint(first, (5,), -9, 9)


@program(normal(F32, 6, 4), whole(np.int32, 5, low=0, high=5), normal(F32, 5, 4))
def gather_and_scatter(table, rows, updates):
    return table[rows], table.at[rows].add(updates), lax.dynamic_slice(table, (rows[0], np.int32(1)), (2, 2))


@program(whole(np.int32, low=0, high=9), normal(F32, 4))
def branches(n, x):
    power = lax.fori_loop(0, n, lambda _, y: y * 1.5, x)
    return lax.cond(n > 4, lambda: power + 1, lambda: -power), lax.while_loop(lambda s: s < 100, lambda s: s * 3 + 1, n)


@program(normal(F32, 3, 8))
def narrow_floats(x):
    return x.astype(jnp.float8_e4m3fn), x.astype(jnp.float8_e5m2), x.astype(jnp.float8_e4m3fn).astype(F32) * 2


def write(folder, name, arrays):
    entries = []
    for place, array in enumerate(arrays):
        array = np.asarray(array)
        file = f"{name}{place}.bin"
        (folder / file).write_bytes(np.ascontiguousarray(array).tobytes())
        entries.append({"dtype": array.dtype.name, "dims": list(array.shape), "file": file})
    return entries


def oldest(*versions):
    return min(versions, key=lambda version: [int(part) for part in version.split(".")])


def main():
    folder = pathlib.Path(sys.argv[1])
    version = oldest(sys.argv[2], stablehlo.get_current_version())
    index = []
    for function, inputs in PROGRAMS:
        name = function.__name__
        jitted = jax.jit(function, keep_unused=True)
        module = jitted.lower(*inputs).compiler_ir("stablehlo")
        (folder / f"{name}.mlir").write_text(str(module))
        (folder / f"{name}.bytecode").write_bytes(stablehlo.serialize_portable_artifact(module, version))
        outputs = jax.tree.leaves(jitted(*inputs))
        index.append(
            {
                "name": name,
                "inputs": write(folder, f"{name}.in", inputs),
                "outputs": write(folder, f"{name}.out", outputs),
            }
        )
    versions = {"jax": jax.__version__, "stablehlo": version}
    (folder / "index.json").write_text(json.dumps(versions | {"programs": index}))


if __name__ == "__main__":
    main()
