#include "protocol/binary.h"

namespace phoenix::protocol {}  // namespace phoenix::protocol
