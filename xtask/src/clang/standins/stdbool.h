// Stand-in: C++ has bool.
#pragma once
