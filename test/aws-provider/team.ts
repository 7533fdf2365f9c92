// One team of many: three servers on EC2, named after the stack. Nothing runs on them.
import * as pulumi from "@pulumi/pulumi";
import { asked, fleet } from "../support/aws-samples.ts";

const stack = pulumi.getStack();
fleet(stack, { ...asked({ image: "/own/image" }, ["isu1", "isu2", "isu3"]), team: stack, stack })();
