// Stand-in for a C++ header of XLA: the layout of the two types that the C interface borrows
// from it, and the bare names that C++ helpers at the end of a header mention.
#pragma once
#include <stdint.h>
namespace xla {
struct GlobalDeviceId {
  int32_t value;
};
struct PjRtGlobalDeviceId {
  int32_t value;
};
struct CrossHostTransferKey {
  int64_t value;
};
struct PjRtCrossHostRecvNotifier;
struct PjRtBuffer {
  struct RemoteSendCallback;
};
}  // namespace xla
