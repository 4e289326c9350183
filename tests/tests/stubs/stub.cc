// A small plugin that knows one header and nothing of ours: what it has, asks for and writes follows
// from the sizes and offsets of the header that it is compiled with. `traits.inc` and `slots.inc` name
// that header's structs and table slots, one in each line.

#include <concepts>
#include <cstring>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "xla/pjrt/c/pjrt_c_api.h"
#if __has_include("xla/pjrt/c/pjrt_c_api_layouts_extension.h")
#include "xla/pjrt/c/pjrt_c_api_layouts_extension.h"
#define WITH_LAYOUTS
#endif

namespace {

// ---- What the tests read ----

std::set<std::string> reached, known;
std::string faults, heard, answer;
bool exact = false;
int living = 0;

void fault(const std::string& what) { faults += what + "\n"; }
void hear(const char* name, const std::string& value) { heard += std::string(name) + "=" + value + "\n"; }

// ---- Objects ----

struct Thing {
  const void* reserved = nullptr;  // newer headers keep a table there
  char kind = 0;
  int code = 0;
  std::string text;
  PJRT_Buffer_Type type{};
  std::vector<int64_t> dims;
  std::string bytes;
};

std::set<const void*> alive;

template <class P>
P* make(char kind, Thing thing = {}) {
  Thing* made = new Thing(std::move(thing));
  made->kind = kind;
  alive.insert(made);
  ++living;
  return reinterpret_cast<P*>(made);
}

template <class P>
Thing* of(const P* object, char kind) {
  static Thing nothing;
  Thing* thing = reinterpret_cast<Thing*>(const_cast<P*>(object));
  if (alive.count(thing) && thing->kind == kind) return thing;
  fault(std::string("not a living object of kind ") + kind);
  return &nothing;
}

template <class P>
void end(P* object, char kind) {
  if (object == nullptr) return;
  Thing* thing = of(object, kind);
  if (alive.erase(thing)) {
    --living;
    delete thing;
  }
}

// Things that are there from the start.
Thing devices[2], descriptions[2], memory, topology;
template <class P> P* at(Thing* thing) { return reinterpret_cast<P*>(thing); }
template <class P> int index_of(const P* object, const Thing* things) {
  int index = static_cast<int>(reinterpret_cast<const Thing*>(object) - things);
  if (index != 0 && index != 1) fault("not a device");
  return index;
}

PJRT_Error* error(int code, const std::string& text) {
  Thing thing;
  thing.code = code;
  thing.text = text;
  return make<PJRT_Error>('x', thing);
}

// ---- Sizes ----

template <class T> constexpr size_t kSize = 0;
#define TRAIT(name) template <> constexpr size_t kSize<name> = name##_STRUCT_SIZE;
#include "traits.inc"

template <class T>
bool fits(const T* given, const char* name) {
  const size_t want = kSize<T>, got = given->struct_size;
  if (exact ? got == want : got >= want) return true;
  fault(std::string(name) + ": expected " + std::to_string(want) + ", got " + std::to_string(got));
  return false;
}

template <class A>
PJRT_Error* entered(const A* args, const char* name) {
  reached.insert(name);
  if (fits(args, name)) return nullptr;
  return error(PJRT_Error_Code_INVALID_ARGUMENT, std::string(name) + ": size");
}

// ---- Attributes ----

template <class V>
std::vector<V> make_named() {
  static const int64_t list[3] = {1, 2, 3};
  std::vector<V> all(5);
  const char* names[5] = {"text", "number", "list", "real", "flag"};
  for (int i = 0; i < 5; ++i) {
    all[i].struct_size = kSize<V>;
    all[i].name = names[i];
    all[i].name_size = std::strlen(names[i]);
    all[i].value_size = 1;
  }
  all[0].type = PJRT_NamedValue_kString;
  all[0].string_value = "stub!";
  all[0].value_size = 4;
  all[1].type = PJRT_NamedValue_kInt64;
  all[1].int64_value = 42;
  all[2].type = PJRT_NamedValue_kInt64List;
  all[2].int64_array_value = list;
  all[2].value_size = 3;
  all[3].type = PJRT_NamedValue_kFloat;
  all[3].float_value = 0.5f;
  all[4].type = PJRT_NamedValue_kBool;
  all[4].bool_value = true;
  return all;
}

const std::vector<PJRT_NamedValue>& named() {
  static const auto all = make_named<PJRT_NamedValue>();
  return all;
}

template <class T, class N>
void text_out(const char* text, T& at, N& size) {
  at = const_cast<std::remove_reference_t<T>>(text);
  size = std::strlen(text);
}

// An output, or an input, that only some headers have.
#define OUT(field, value) \
  if constexpr (requires { a->field; }) { a->field = (value); known.insert(#field); }
#define STAT(field, value) OUT(field, value) OUT(field##_is_set, true)
#define HEAR(o, field, shown) \
  if constexpr (requires { o->field; }) { known.insert(#field); hear(#field, shown); }

// A slot: refusing at first, with a behaviour where FN gives it one.
#define SLOT(f)                                                                        \
  if constexpr (requires { { table->f(nullptr) } -> std::same_as<PJRT_Error*>; })      \
    table->f = [](auto* a) -> PJRT_Error* {                                            \
      if (auto* e = entered(a, #f)) return e;                                          \
      return error(PJRT_Error_Code_UNIMPLEMENTED, #f);                                 \
    };
#define FN(f, ...)                                    \
  if constexpr (requires { table->f; })               \
    table->f = [](auto* a) -> PJRT_Error* {           \
      if (auto* e = entered(a, #f)) return e;         \
      __VA_ARGS__;                                    \
      return nullptr;                                 \
    };

#define TEXT(f, text, field) FN(f, text_out(text, a->field, a->field##_size))

PJRT_Device* const kDevices[2] = {at<PJRT_Device>(&devices[0]), at<PJRT_Device>(&devices[1])};
PJRT_DeviceDescription* const kDescriptions[2] = {at<PJRT_DeviceDescription>(&descriptions[0]),
                                                  at<PJRT_DeviceDescription>(&descriptions[1])};
PJRT_Memory* const kMemories[1] = {at<PJRT_Memory>(&memory)};

// ---- Behaviour ----

template <class Table>
void plugin(Table* table) {
#include "slots.inc"
  table->PJRT_Error_Destroy = [](auto* a) { entered(a, "PJRT_Error_Destroy"); end(a->error, 'x'); };
  table->PJRT_Error_Message = [](auto* a) {
    entered(a, "PJRT_Error_Message");
    const std::string& text = of(a->error, 'x')->text;
    a->message = text.data();
    a->message_size = text.size();
  };
  FN(PJRT_Error_GetCode, a->code = static_cast<PJRT_Error_Code>(of(a->error, 'x')->code))
  FN(PJRT_Error_ForEachPayload, a->visitor("payload", 7, "kept", 4, a->user_arg))
  FN(PJRT_Plugin_Initialize)
  FN(PJRT_Plugin_Attributes, OUT(attributes, named().data()) OUT(num_attributes, named().size()))

  FN(PJRT_Event_Destroy, end(a->event, 'e'))
  FN(PJRT_Event_IsReady, of(a->event, 'e'); a->is_ready = true)
  FN(PJRT_Event_Error, of(a->event, 'e'))
  FN(PJRT_Event_Await, of(a->event, 'e'))
  FN(PJRT_Event_OnReady, of(a->event, 'e'); a->callback(nullptr, a->user_arg))
}

template <class Table>
void client(Table* table) {
  FN(PJRT_Client_Create, {
    for (size_t i = 0; i < a->num_options; ++i) {
      const PJRT_NamedValue& option = a->create_options[i];
      fits(&option, "an option");
      hear(std::string(option.name, option.name_size).c_str(), std::to_string(option.int64_value));
    }
    HEAR(a, kv_get_callback, a->kv_get_callback ? "set" : "null")
    HEAR(a, kv_try_get_callback, a->kv_try_get_callback ? "set" : "null")
    a->client = make<PJRT_Client>('c');
  })
  FN(PJRT_Client_Destroy, end(a->client, 'c'))
  TEXT(PJRT_Client_PlatformName, "stub", platform_name)
  TEXT(PJRT_Client_PlatformVersion, "stub of a header", platform_version)
  FN(PJRT_Client_ProcessIndex, of(a->client, 'c'); a->process_index = 3)
  FN(PJRT_Client_Devices, a->devices = kDevices; a->num_devices = 2)
  FN(PJRT_Client_AddressableDevices, a->addressable_devices = kDevices; a->num_addressable_devices = 2)
  FN(PJRT_Client_LookupDevice, a->device = kDevices[a->id & 1])
  FN(PJRT_Client_LookupAddressableDevice, a->addressable_device = kDevices[a->local_hardware_id & 1])
  FN(PJRT_Client_AddressableMemories,
     a->addressable_memories = kMemories; a->num_addressable_memories = 1)
  FN(PJRT_Client_DefaultDeviceAssignment, {
    for (size_t i = 0; i < a->default_assignment_size; ++i) a->default_assignment[i] = int(i) * 10;
  })
  FN(PJRT_Client_TopologyDescription, a->topology = at<PJRT_TopologyDescription>(&topology))
  FN(PJRT_Client_UpdateGlobalProcessInfo, {
    for (size_t i = 0; i < a->num_process_infos; ++i) {
      const auto* info = &a->process_infos[i];
      if constexpr (requires { info->struct_size; }) fits(info, "PJRT_ProcessInfo");
      hear("task_id", std::to_string(info->task_id));
      hear("incarnation_id", std::to_string(info->incarnation_id));
      hear("error", std::string(info->error_message, info->error_message_size));
    }
  })
  TEXT(PJRT_TopologyDescription_PlatformName, "stub topology", platform_name)
  TEXT(PJRT_TopologyDescription_PlatformVersion, "1", platform_version)
  FN(PJRT_TopologyDescription_GetDeviceDescriptions,
     a->descriptions = kDescriptions; a->num_descriptions = 2)
  FN(PJRT_TopologyDescription_Attributes,
     a->attributes = named().data(); a->num_attributes = named().size())

  FN(PJRT_Device_GetDescription, a->device_description = kDescriptions[index_of(a->device, devices)])
  FN(PJRT_Device_IsAddressable, a->is_addressable = true)
  FN(PJRT_Device_LocalHardwareId, a->local_hardware_id = index_of(a->device, devices) + 5)
  FN(PJRT_Device_AddressableMemories, a->memories = kMemories; a->num_memories = 1)
  FN(PJRT_Device_DefaultMemory, a->memory = kMemories[0])
  FN(PJRT_Device_MemoryStats,
     OUT(bytes_in_use, 1) STAT(peak_bytes_in_use, 2) STAT(num_allocs, 3) STAT(largest_alloc_size, 4)
     STAT(bytes_limit, 5) STAT(bytes_reserved, 6) STAT(peak_bytes_reserved, 7)
     STAT(bytes_reservable_limit, 8) STAT(largest_free_block_bytes, 9) STAT(pool_bytes, 10)
     STAT(peak_pool_bytes, 11) STAT(peak_allocated_bytes, 12))
  FN(PJRT_DeviceDescription_Id, a->id = index_of(a->device_description, descriptions))
  FN(PJRT_DeviceDescription_ProcessIndex, a->process_index = 3)
  FN(PJRT_DeviceDescription_Attributes,
     a->attributes = named().data(); a->num_attributes = named().size())
  TEXT(PJRT_DeviceDescription_Kind, "stub device", device_kind)
  TEXT(PJRT_DeviceDescription_DebugString, "debug", debug_string)
  TEXT(PJRT_DeviceDescription_ToString, "shown", to_string)
  FN(PJRT_Memory_Id, a->id = 7)
  FN(PJRT_Memory_Kind_Id, a->kind_id = 9)
  FN(PJRT_Memory_Kind, OUT(memory_kind, "device") OUT(kind, "device") OUT(memory_kind_size, 6) OUT(kind_size, 6))
  TEXT(PJRT_Memory_DebugString, "memory debug", debug_string)
  TEXT(PJRT_Memory_ToString, "memory shown", to_string)
  FN(PJRT_Memory_AddressableByDevices, a->devices = kDevices; a->num_devices = 2)
}

PJRT_Buffer* copy(const Thing* buffer) { return make<PJRT_Buffer>('b', *buffer); }
PJRT_Event* event() { return make<PJRT_Event>('e'); }

template <class Table>
void buffers(Table* table) {
  FN(PJRT_Client_BufferFromHostBuffer, {
    Thing made;
    made.type = a->type;
    made.dims.assign(a->dims, a->dims + a->num_dims);
    size_t size = 4;
    for (int64_t dim : made.dims) size *= static_cast<size_t>(dim);
    made.bytes.assign(static_cast<const char*>(a->data), size);
    hear("device", std::to_string(a->device ? index_of(a->device, devices) : -1));
    a->buffer = copy(&made);
    a->done_with_host_buffer = event();
  })
  FN(PJRT_Buffer_Destroy, end(a->buffer, 'b'))
  FN(PJRT_Buffer_ElementType, a->type = of(a->buffer, 'b')->type)
  FN(PJRT_Buffer_Dimensions, const auto& d = of(a->buffer, 'b')->dims; a->dims = d.data(); a->num_dims = d.size())
  FN(PJRT_Buffer_UnpaddedDimensions, const auto& d = of(a->buffer, 'b')->dims;
     a->unpadded_dims = d.data(); a->num_dims = d.size())
  FN(PJRT_Buffer_DynamicDimensionIndices, static const size_t indices[1] = {1};
     a->dynamic_dim_indices = indices; a->num_dynamic_dims = 1)
  FN(PJRT_Buffer_GetMemoryLayout, {
    static const int64_t strides[2] = {8, 4};
    a->layout.struct_size = kSize<PJRT_Buffer_MemoryLayout>;
    a->layout.type = PJRT_Buffer_MemoryLayout_Type_Strides;
    a->layout.strides.struct_size = kSize<PJRT_Buffer_MemoryLayout_Strides>;
    a->layout.strides.byte_strides = strides;
    a->layout.strides.num_byte_strides = 2;
  })
  FN(PJRT_Buffer_OnDeviceSizeInBytes, a->on_device_size_in_bytes = of(a->buffer, 'b')->bytes.size())
  FN(PJRT_Buffer_Device, a->device = kDevices[1])
  FN(PJRT_Buffer_Memory, a->memory = kMemories[0])
  FN(PJRT_Buffer_IsDeleted, a->is_deleted = false)
  FN(PJRT_Buffer_IsOnCpu, a->is_on_cpu = true)
  FN(PJRT_Buffer_CopyToDevice, index_of(a->dst_device, devices); a->dst_buffer = copy(of(a->buffer, 'b')))
  FN(PJRT_Buffer_ReadyEvent, of(a->buffer, 'b'); a->event = event())
  FN(PJRT_Buffer_UnsafePointer, a->buffer_pointer = 4096)
  FN(PJRT_Buffer_ToHostBuffer, {
    const std::string& bytes = of(a->src, 'b')->bytes;
    if (a->dst == nullptr) {
      a->dst_size = bytes.size();
      return nullptr;
    }
    if (a->dst_size < bytes.size()) return error(PJRT_Error_Code_INVALID_ARGUMENT, "too small");
    std::memcpy(a->dst, bytes.data(), bytes.size());
    a->event = event();
  })
}

template <class Table>
void programs(Table* table) {
  FN(PJRT_Client_Compile, {
    fits(a->program, "PJRT_Program");
    const std::string code(a->program->code, a->program->code_size);
    hear("format", std::string(a->program->format, a->program->format_size));
    hear("options", a->compile_options_size != 0 ? "some" : "none");
    if (code == "refuse") return error(PJRT_Error_Code_FAILED_PRECONDITION, "refused as told");
    Thing program;
    program.text = code;
    a->executable = make<PJRT_LoadedExecutable>('l', program);
  })
  FN(PJRT_LoadedExecutable_Destroy, end(a->executable, 'l'))
  FN(PJRT_LoadedExecutable_GetExecutable,
     a->executable = make<PJRT_Executable>('p', *of(a->loaded_executable, 'l')))
  FN(PJRT_LoadedExecutable_AddressableDevices,
     a->addressable_devices = kDevices + 1; a->num_addressable_devices = 1)
  FN(PJRT_LoadedExecutable_IsDeleted, a->is_deleted = false)
  TEXT(PJRT_LoadedExecutable_Fingerprint, "fingerprint", executable_fingerprint)
  FN(PJRT_LoadedExecutable_Execute, {
    of(a->executable, 'l');
    fits(a->options, "PJRT_ExecuteOptions");
    [](auto* o) {
      HEAR(o, launch_id, std::to_string(o->launch_id))
      HEAR(o, num_non_donatable_input_indices, std::to_string(o->num_non_donatable_input_indices))
      HEAR(o, call_location, o->call_location ? o->call_location : "null")
      HEAR(o, incarnation_ids, o->num_tasks == 0 ? std::string("none")
               : std::to_string(o->task_ids[0]) + "/" + std::to_string(o->incarnation_ids[0]))
      HEAR(o, num_hlo_output_callbacks, std::to_string(o->num_hlo_output_callbacks))
    }(a->options);
    hear("execute_device", std::to_string(a->execute_device ? index_of(a->execute_device, devices) : -1));
    for (size_t d = 0; d < a->num_devices; ++d) {
      a->output_lists[d][0] = copy(of(a->argument_lists[d][0], 'b'));
      if (a->device_complete_events) a->device_complete_events[d] = event();
    }
  })
  FN(PJRT_Executable_DeserializeAndLoad, {
    Thing program;
    program.text.assign(a->serialized_executable, a->serialized_executable_size);
    HEAR(a, overridden_serialized_compile_options,
         std::to_string(a->overridden_serialized_compile_options_size))
    a->loaded_executable = make<PJRT_LoadedExecutable>('l', program);
  })

  FN(PJRT_Executable_Destroy, end(a->executable, 'p'))
  TEXT(PJRT_Executable_Name, "trivial", executable_name)
  TEXT(PJRT_Executable_Fingerprint, "fingerprint", executable_fingerprint)
  FN(PJRT_Executable_NumReplicas, a->num_replicas = 1)
  FN(PJRT_Executable_NumPartitions, a->num_partitions = 1)
  FN(PJRT_Executable_NumOutputs, a->num_outputs = 1)
  FN(PJRT_Executable_SizeOfGeneratedCodeInBytes, a->size_in_bytes = 77)
  FN(PJRT_Executable_GetCostAnalysis, a->properties = named().data(); a->num_properties = named().size())
  FN(PJRT_Executable_OutputElementTypes, static PJRT_Buffer_Type types[1] = {PJRT_Buffer_Type_F32};
     a->output_types = types; a->num_output_types = 1)
  FN(PJRT_Executable_OutputDimensions, {
    static const int64_t dims[2] = {2, 2};
    static const size_t ranks[1] = {2};
    a->num_outputs = 1;
    a->dims = dims;
    a->dim_sizes = ranks;
  })
  FN(PJRT_Executable_OutputMemoryKinds, {
    static const char* const kinds[1] = {"device"};
    static const size_t sizes[1] = {6};
    a->num_outputs = 1;
    a->memory_kinds = kinds;
    a->memory_kind_sizes = sizes;
  })
  FN(PJRT_Executable_OptimizedProgram, {
    fits(a->program, "PJRT_Program");
    const std::string& code = of(a->executable, 'p')->text;
    text_out("mlir", a->program->format, a->program->format_size);
    if (a->program->code != nullptr) std::memcpy(a->program->code, code.data(), code.size());
    a->program->code_size = code.size();
  })
  FN(PJRT_Executable_Serialize, {
    a->serialized_executable = make<PJRT_SerializedExecutable>('s', *of(a->executable, 'p'));
    const std::string& bytes = of(a->serialized_executable, 's')->text;
    a->serialized_bytes = bytes.data();
    a->serialized_bytes_size = bytes.size();
    a->serialized_executable_deleter = [](auto* bytes) { end(bytes, 's'); };
  })
  FN(PJRT_Executable_GetCompiledMemoryStats,
     OUT(generated_code_size_in_bytes, 1) OUT(argument_size_in_bytes, 2) OUT(output_size_in_bytes, 3)
     OUT(alias_size_in_bytes, 4) OUT(temp_size_in_bytes, 5) OUT(host_generated_code_size_in_bytes, 6)
     OUT(host_argument_size_in_bytes, 7) OUT(host_output_size_in_bytes, 8)
     OUT(host_alias_size_in_bytes, 9) OUT(host_temp_size_in_bytes, 10) OUT(peak_memory_in_bytes, 11)
     OUT(total_size_in_bytes, 12) OUT(total_allocation_bytes, 13) OUT(indefinite_allocations, 14)
     OUT(peak_unpadded_heap_bytes, 15))
}

// ---- Extensions ----

#ifdef WITH_LAYOUTS
PJRT_Layouts_Extension layouts_node;

template <class Table>
void layouts(Table* table) {
  FN(PJRT_Layouts_MemoryLayout_Destroy, end(a->layout, 'y'))
  FN(PJRT_Layouts_MemoryLayout_Serialize, {
    a->serialized_layout = make<PJRT_Layouts_SerializedLayout>('z');
    text_out("{1,0}", a->serialized_bytes, a->serialized_bytes_size);
    a->serialized_layout_deleter = [](auto* layout) { end(layout, 'z'); };
  })
  FN(PJRT_Layouts_PJRT_Client_GetDefaultLayout, a->layout = make<PJRT_Layouts_MemoryLayout>('y'))
  FN(PJRT_Layouts_PJRT_Buffer_MemoryLayout, of(a->buffer, 'b');
     a->layout = make<PJRT_Layouts_MemoryLayout>('y'))
  auto head = [](auto* node) {
    node->struct_size = PJRT_Layouts_Extension_STRUCT_SIZE;
    node->type = PJRT_Extension_Type_Layouts;
    node->next = nullptr;
  };
  if constexpr (requires { table->base; }) head(&table->base);
  else head(table);
}
#endif

template <class Table>
void chain(Table* table) {
#if defined(OLD_CHAIN)
  static PJRT_Structure_Base node{};
  table->extension_start = &node;
#elif defined(WITH_LAYOUTS)
  layouts(&layouts_node);
  table->extension_start = reinterpret_cast<PJRT_Extension_Base*>(&layouts_node);
#else
  static PJRT_Extension_Base node{};
  node.struct_size = kSize<PJRT_Extension_Base>;
  node.type = PJRT_Extension_Type_Profiler;
  table->extension_start = &node;
#endif
}

PJRT_Api api;

std::string joined(const std::set<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += name + "\n";
  return all;
}

}  // namespace

extern "C" {

const PJRT_Api* GetPjrtApi() {
  api.struct_size = PJRT_Api_STRUCT_SIZE;
  api.pjrt_api_version.struct_size = kSize<PJRT_Api_Version>;
  api.pjrt_api_version.major_version = PJRT_API_MAJOR;
  api.pjrt_api_version.minor_version = PJRT_API_MINOR;
  plugin(&api);
  client(&api);
  buffers(&api);
  programs(&api);
  chain(&api);
  return &api;
}

void stub_exact(int wanted) { exact = wanted != 0; }
int stub_living() { return living; }

// Answers, one in each line: (f)aults, what was (h)eard since the last question, functions (r)eached,
// optional fields (k)nown.
const char* stub_answer(char question) {
  switch (question) {
    case 'f': answer = faults; break;
    case 'h': answer = std::move(heard); heard.clear(); break;
    case 'r': answer = joined(reached); break;
    default: answer = joined(known); break;
  }
  return answer.c_str();
}

}  // extern "C"
