// phoenix/base/pch/standard.h for unit tests, which all read doctest too.
#include <doctest/doctest.h>

#include "phoenix/base/pch/standard.h"
