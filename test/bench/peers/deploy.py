"""The workload in pyinfra's words: reads the items that the bench wrote beside the inventory."""

import json
import os

from pyinfra import host
from pyinfra.operations import apt, files, server

with open(os.environ["BENCH_WORKLOAD"], encoding="utf-8") as source:
    items = json.load(source)

for item in items:
    kind = item["kind"]
    if kind == "user":
        server.user(user=item["name"], comment=item["comment"], home=f"/home/{item['name']}", shell="/bin/bash", ensure_home=True)
    elif kind == "directory":
        files.directory(path=item["path"], mode=item["mode"][1:], user=item["owner"], group=item["owner"])
    elif kind == "file":
        operation = files.template if item["template"] else files.put
        extra = {"host_name": host.name} if item["template"] else {}
        operation(src=item["source"], dest=item["path"], mode=item["mode"][1:], user=item["owner"], group=item["owner"], **extra)
    elif kind == "link":
        files.link(path=item["path"], target=item["target"])
    elif kind == "check":
        server.shell(commands=[item["command"]])

apt.packages(packages=[item["name"] for item in items if item["kind"] == "package"])
