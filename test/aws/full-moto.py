"""moto_server with a bucket that is full from the start: 200,000 puts over HTTP would take a quarter of an hour.

full-moto.py BUCKET FILE [what moto_server takes]; each line of FILE is a JSON array of key and body.
"""

import json
import sys

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import main

bucket, path = sys.argv[1:3]
backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
backend.create_bucket(bucket, "us-east-1")
with open(path) as lines:
    for line in lines:
        key, body = json.loads(line)
        backend.put_object(bucket, key, body.encode())
sys.argv = ["moto_server", *sys.argv[3:]]
sys.exit(main())
