"""Checks extension.json against MediaWiki's own schema: `python schema.py [schema file]`.

Needs the module jsonschema. The schema is the one that Debian's package of MediaWiki brings as
documentation, unless another is named.
"""

import gzip
import json
import sys
from pathlib import Path

import jsonschema

DEBIAN = "/usr/share/doc/mediawiki/docs/extension.schema.v2.json.gz"


def main(schema_file: str = DEBIAN) -> int:
    read = gzip.open if schema_file.endswith(".gz") else open
    with read(schema_file, "rt", encoding="utf-8") as file:
        schema = json.load(file)
    extension = json.loads((Path(__file__).parents[1] / "extension.json").read_text(encoding="utf-8"))
    checker = jsonschema.validators.validator_for(schema)(schema)
    errors = sorted(checker.iter_errors(extension), key=lambda error: list(error.absolute_path))
    for error in errors:
        print(f"{'/'.join(map(str, error.absolute_path))}: {error.message}")
    print(f"extension.json: {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
