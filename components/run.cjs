"use strict";
// Starts the Pulumi program as Pulumi's own `cmd/run` does, without what this one never needs.
// In force where PULUMI_LANGUAGE_NODEJS_RUN_PATH names it (`fleet env`); a `pulumi` without it does the same, later.
require("./lean.cjs");
require("@pulumi/pulumi/cmd/run");
