// Stand-in: the headers use static_assert alone, which C++ has.
#pragma once
