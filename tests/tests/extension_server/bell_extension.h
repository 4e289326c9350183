// The extension of a tower that does not exist, for tests of the plugin's side. Revision 2: what came
// after revision 1 is left out where BELL_REVISION is 1.
#include "xla/pjrt/c/pjrt_c_api.h"

#define PJRT_API_BELL_EXTENSION_VERSION 2

#define BELL_STRUCT(name, last)                                         \
  typedef struct name name;                                             \
  enum {                                                                \
    name##_STRUCT_SIZE = offsetof(name, last) + sizeof(((name*)0)->last) \
  }

typedef struct Bell_Rope Bell_Rope;

typedef enum {
  Bell_Tone_Low = 0,
  Bell_Tone_High = 3,
} Bell_Tone;

typedef struct Bell_Limits {
  int64_t most_rings;
} Bell_Limits;

struct Bell_Rope_Create_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  PJRT_Device* device;
  PJRT_Buffer* weight;  // optional
  const char* name;
  size_t name_size;
  bool loud;
  Bell_Tone tone;
  Bell_Rope* rope;  // out
};
BELL_STRUCT(Bell_Rope_Create_Args, rope);
typedef PJRT_Error* Bell_Rope_Create(Bell_Rope_Create_Args* args);

struct Bell_Rope_Destroy_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  Bell_Rope* rope;
};
BELL_STRUCT(Bell_Rope_Destroy_Args, rope);
typedef PJRT_Error* Bell_Rope_Destroy(Bell_Rope_Destroy_Args* args);

struct Bell_Rope_Ring_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  Bell_Rope* rope;
  const int64_t* counts;
  size_t num_counts;
  int64_t total;  // out
#if BELL_REVISION > 1
  int64_t loudest;  // out
#endif
};
#if BELL_REVISION > 1
BELL_STRUCT(Bell_Rope_Ring_Args, loudest);
#else
BELL_STRUCT(Bell_Rope_Ring_Args, total);
#endif
typedef PJRT_Error* Bell_Rope_Ring(Bell_Rope_Ring_Args* args);

// Arguments without a size.
typedef struct Bell_Device_Weight_Args {
  PJRT_Device* device;
  double kilograms;  // out
} Bell_Device_Weight_Args;
typedef PJRT_Error* Bell_Device_Weight(Bell_Device_Weight_Args* args);

struct Bell_Rope_Rest_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  Bell_Rope* rope;
  int64_t rings;  // out
};
BELL_STRUCT(Bell_Rope_Rest_Args, rings);
typedef void Bell_Rope_Rest(Bell_Rope_Rest_Args* args);

struct Bell_Device_Height_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  PJRT_Device* device;
};
BELL_STRUCT(Bell_Device_Height_Args, device);
typedef int64_t Bell_Device_Height(Bell_Device_Height_Args* args);

struct Bell_Client_Melody_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  PJRT_Client* client;
  int64_t notes;  // out
};
BELL_STRUCT(Bell_Client_Melody_Args, notes);
typedef PJRT_Error* Bell_Client_Melody(Bell_Client_Melody_Args* args);

typedef struct PJRT_Bell_Extension {
  PJRT_Extension_Base base;
  Bell_Rope_Create* rope_create;
  Bell_Rope_Destroy* rope_destroy;
  Bell_Rope_Ring* rope_ring;
  Bell_Device_Weight* device_weight;
  Bell_Rope_Rest* rope_rest;
  Bell_Device_Height* device_height;
  void* rope_cut;  // deprecated
  bool silent;
  const Bell_Limits* limits;
  int64_t (*rings)(PJRT_Device* device);
  PJRT_Error* (*strike)(PJRT_Device* device, int64_t times);
#if BELL_REVISION > 1
  Bell_Client_Melody* client_melody;
#endif
} PJRT_Bell_Extension;
#if BELL_REVISION > 1
BELL_STRUCT(PJRT_Bell_Extension, client_melody);
#else
BELL_STRUCT(PJRT_Bell_Extension, strike);
#endif
