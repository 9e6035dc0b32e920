"""Says whether Python's avro takes one schema to read another.

"answer" as the argument: a pair in JSON on each line of standard input, an answer on each of standard output.
"version" prints the version of avro.
"""

import importlib.metadata
import json
import sys

import avro.errors
import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType


def answer(pair):
    try:
        reader, writer = avro.schema.parse(pair["reader"]), avro.schema.parse(pair["writer"])
    except avro.errors.AvroException as e:
        return {"verdict": "refused", "said": [str(e)]}
    try:
        result = ReaderWriterCompatibilityChecker().get_compatibility(reader, writer)
    except Exception as e:
        return {"verdict": "threw", "said": [repr(e)]}
    if result.compatibility is SchemaCompatibilityType.compatible:
        return {"verdict": "works"}
    # Locations and messages are sets, which cannot be told which belongs to which.
    return {"verdict": "breaks", "said": [kind.value for kind in result.incompatibilities]}


if __name__ == "__main__":
    if sys.argv[1] == "version":
        print(importlib.metadata.version("avro"))
    else:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))))
