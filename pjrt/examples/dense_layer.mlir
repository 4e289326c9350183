// A dense layer: relu(x * w + b), for two rows of three features and two units.
module @dense_layer {
  func.func @main(%x: tensor<2x3xf32>, %w: tensor<3x2xf32>) -> tensor<2x2xf32> {
    %b = stablehlo.constant dense<[0.5, -1.0]> : tensor<2xf32>
    %zero = stablehlo.constant dense<0.0> : tensor<2x2xf32>
    %product = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
    %bias = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<2xf32>) -> tensor<2x2xf32>
    %sum = stablehlo.add %product, %bias : tensor<2x2xf32>
    %relu = stablehlo.maximum %sum, %zero : tensor<2x2xf32>
    return %relu : tensor<2x2xf32>
  }
}
