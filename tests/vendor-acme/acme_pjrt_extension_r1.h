/* The extension of an accelerator that does not exist: probes that measure what a device does.

   It is an example: each way in which headers of PJRT and of its extensions say things is here once.
   Revision 1; acme_pjrt_extension.h is the newer one. */
#ifndef ACME_PJRT_EXTENSION_H_
#define ACME_PJRT_EXTENSION_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xla/pjrt/c/pjrt_c_api.h"

/* The number of this extension: above all that PJRT gives away. */
#define PJRT_Extension_Type_Acme 1000
#define PJRT_API_ACME_EXTENSION_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types ---- */

/* A measuring device that was made for one device. Made and freed by the caller. */
typedef struct Acme_Probe Acme_Probe;

/* A socket of the board. Sockets belong to their device and are never freed. */
typedef struct Acme_Port Acme_Port;

/* What holds a serialized probe's bytes. */
typedef struct Acme_SerializedProbe Acme_SerializedProbe;

/* Units of measurements; the numbers are those of the board's manual and have gaps. */
typedef enum {
  Acme_Unit_Celsius = 0,
  Acme_Unit_Watt = 1,
  Acme_Unit_Hertz = 7,
  Acme_Unit_Percent = 100,
} Acme_Unit;

#ifdef __cplusplus
/* How much power a device may take. */
enum class Acme_PowerMode : int32_t {
  kEco = -1,
  kBalanced = 0,
  kBoost = 4,
};
#else
typedef int32_t Acme_PowerMode;
enum {
  Acme_PowerMode_kEco = -1,
  Acme_PowerMode_kBalanced = 0,
  Acme_PowerMode_kBoost = 4,
};
#endif

/* One measurement. */
typedef struct Acme_Reading {
  int64_t nanoseconds;
  double value;
  Acme_Unit unit;
} Acme_Reading;

/* What the board can bear; the extension's table points at it. */
typedef struct Acme_Limits {
  double max_celsius;
  double max_watts;
} Acme_Limits;

/* ---- The extension as such ---- */

/* Name and number of the driver, ended by NUL; as old as the process. */
typedef const char* Acme_DriverVersion(void);

/* ---- Probes ---- */

struct Acme_Probe_Create_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  PJRT_Device* device;
  const char* name;
  size_t name_size;
  Acme_Unit unit;
  Acme_Probe* probe;  // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Probe_Create_Args, probe);

/* Makes a probe of a device. The name is copied. INVALID_ARGUMENT for an empty name. */
typedef PJRT_Error* Acme_Probe_Create(Acme_Probe_Create_Args* args);

struct Acme_Probe_Destroy_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  Acme_Probe* probe;
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Probe_Destroy_Args, probe);

/* Frees a probe; null is nothing to do. */
typedef PJRT_Error* Acme_Probe_Destroy(Acme_Probe_Destroy_Args* args);

struct Acme_Probe_Read_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  Acme_Probe* probe;
  double value;    // out
  Acme_Unit unit;  // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Probe_Read_Args, unit);

/* Measures once. */
typedef PJRT_Error* Acme_Probe_Read(Acme_Probe_Read_Args* args);

struct Acme_Probe_Samples_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  const Acme_Probe* probe;
  const double* samples;  // out
  size_t num_samples;     // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Probe_Samples_Args, num_samples);

/* What was measured so far. The array belongs to the probe, which never moves or changes it: it
   is what was there when the probe was made. */
typedef PJRT_Error* Acme_Probe_Samples(Acme_Probe_Samples_Args* args);

struct Acme_Probe_Serialize_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  const Acme_Probe* probe;
  const char* bytes;              // out
  size_t bytes_size;              // out
  Acme_SerializedProbe* holder;   // backs bytes
  void (*holder_deleter)(
      Acme_SerializedProbe* holder);  // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Probe_Serialize_Args, holder_deleter);

/* A probe as bytes. They are the caller's, who gives the holder to the deleter at the end. */
typedef PJRT_Error* Acme_Probe_Serialize(Acme_Probe_Serialize_Args* args);

struct Acme_Probe_Flush_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  Acme_Probe* probe;
  PJRT_Event* done;  // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Probe_Flush_Args, done);

/* Writes out what the probe has, in the background; the event is the caller's. */
typedef PJRT_Error* Acme_Probe_Flush(Acme_Probe_Flush_Args* args);

struct Acme_Probe_Watch_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  Acme_Probe* probe;
  PJRT_Buffer* buffer;
  uint64_t bytes;  // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Probe_Watch_Args, bytes);

/* How many bytes of device memory a buffer takes, as the probe sees it. A pointer's typedef. */
typedef PJRT_Error* (*Acme_Probe_Watch_Fn)(Acme_Probe_Watch_Args* args);

/* ---- Devices and clients ---- */

struct Acme_Device_SetPowerMode_Args {
  size_t struct_size;
  PJRT_Device* device;
  Acme_PowerMode mode;
  Acme_PowerMode previous;  // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Device_SetPowerMode_Args, previous);

/* Changes how much power a device may take. Its arguments have a size and no extensions. */
typedef PJRT_Error* Acme_Device_SetPowerMode(
    Acme_Device_SetPowerMode_Args* args);

struct Acme_Device_Ports_Args {
  size_t struct_size;
  PJRT_Device* device;
  Acme_Port* const* ports;  // out
  size_t num_ports;         // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Device_Ports_Args, num_ports);

/* The sockets around a device; array and sockets belong to the device. */
typedef PJRT_Error* Acme_Device_Ports(Acme_Device_Ports_Args* args);

struct Acme_Port_Label_Args {
  size_t struct_size;
  Acme_Port* port;
  const char* label;  // out
  size_t label_size;  // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Port_Label_Args, label_size);

/* What is printed beside a socket. */
typedef PJRT_Error* Acme_Port_Label(Acme_Port_Label_Args* args);

/* Arguments without a size. */
typedef struct Acme_Client_Uptime_Args {
  PJRT_Client* client;
  int64_t seconds;  // out
} Acme_Client_Uptime_Args;

/* How long a client has been running. */
typedef PJRT_Error* Acme_Client_Uptime(Acme_Client_Uptime_Args* args);

struct Acme_Client_LastReadings_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  PJRT_Client* client;
  Acme_Reading* readings;  // out
  size_t num_readings;     // out
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Client_LastReadings_Args, num_readings);

/* The last measurement of each device. The array lives as long as the client. */
typedef PJRT_Error* Acme_Client_LastReadings(
    Acme_Client_LastReadings_Args* args);

/* ---- Alarms ---- */

/* Called from threads of the driver. The text lives through the call. */
typedef void (*Acme_Alarm)(double celsius, const char* text, size_t text_size,
                           void* user_data);

struct Acme_Device_OnAlarm_Args {
  size_t struct_size;
  PJRT_Extension_Base* extension_start;
  PJRT_Device* device;
  double above_celsius;
  Acme_Alarm alarm;
  void* user_data;
  /* Called once, when the alarm is called no more. */
  void (*user_data_deleter)(void* user_data);
};
PJRT_DEFINE_STRUCT_TRAITS(Acme_Device_OnAlarm_Args, user_data_deleter);

/* Has a function called whenever a device is too hot. It replaces the one before, whose data is
   then given to its deleter. */
typedef PJRT_Error* Acme_Device_OnAlarm(Acme_Device_OnAlarm_Args* args);

/* ---- The table ---- */

typedef struct PJRT_Acme_Extension {
  PJRT_Extension_Base base;
  Acme_DriverVersion* driver_version;
  /* Ticks of a device's clock. */
  int64_t (*ticks)(PJRT_Device* device);
  /* Whether probes measure in the background. */
  bool background;
  void* calibrate;  // deprecated
  const Acme_Limits* limits;
  Acme_Probe_Create* probe_create;
  Acme_Probe_Destroy* probe_destroy;
  Acme_Probe_Read* probe_read;
  Acme_Probe_Samples* probe_samples;
  Acme_Probe_Serialize* probe_serialize;
  Acme_Probe_Flush* probe_flush;
  Acme_Probe_Watch_Fn probe_watch;
  Acme_Device_SetPowerMode* device_set_power_mode;
  Acme_Device_Ports* device_ports;
  Acme_Port_Label* port_label;
  Acme_Client_Uptime* client_uptime;
  Acme_Client_LastReadings* client_last_readings;
  Acme_Device_OnAlarm* device_on_alarm;
} PJRT_Acme_Extension;
PJRT_DEFINE_STRUCT_TRAITS(PJRT_Acme_Extension, device_on_alarm);

#ifdef __cplusplus
}  /* extern "C" */
#endif

#endif  /* ACME_PJRT_EXTENSION_H_ */
