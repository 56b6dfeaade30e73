#include "cli/server_info.h"

#include <doctest/doctest.h>

namespace phoenix::cli {

TEST_CASE("numbers by name, from Phoenix") {
  const InfoFields fields = parse_info(
      "# Server\nphoenix_version:0.1.0\ncores:2\n\n# Keyspace\nkeys:7\n"
      "core_0:keys=3,requests=4\nodd\n:5\nlog_bytes:12345678901234\n");
  CHECK(fields.at("cores") == 2);
  CHECK(fields.at("keys") == 7);
  CHECK(fields.at("log_bytes") == 12345678901234.0);
  CHECK(fields.count("phoenix_version") == 0);
  CHECK(fields.count("core_0") == 0);
}

TEST_CASE("the keys of Redis are the sum of its databases") {
  const InfoFields fields = parse_info(
      "used_memory:1024\r\nused_memory_human:1K\r\n# Keyspace\r\ndb0:keys=3,expires=0\r\n"
      "db12:keys=4,expires=1\r\ndbx:keys=9\r\n");
  CHECK(fields.at("used_memory") == 1024);
  CHECK(fields.at("keys") == 7);
  CHECK(fields.count("used_memory_human") == 0);
  CHECK(parse_info("# Keyspace\r\n").at("keys") == 0);
  CHECK(parse_info("db0:keys=3\n").count("keys") == 0);
}

TEST_CASE("numbers that nothing can count are left out") {
  const InfoFields fields =
      parse_info("used_memory:1e300\ncommit_usec_last:-inf\nkeys:nan\ninfinity:inf\nodd:-1\n");
  CHECK(fields.size() == 1);
  CHECK(fields.at("odd") == -1);
}

}  // namespace phoenix::cli
