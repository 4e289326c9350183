// Stand-in.
#pragma once
#include "xla/pjrt/pjrt_client.h"
