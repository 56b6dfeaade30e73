// The words of a line, as the command line client reads them.
#pragma once

#include "phoenix/client/tokenizer.h"

namespace phoenix::cli {

using client::is_name;
using client::TokenError;
using client::tokenize;

}  // namespace phoenix::cli
