// How a server is reached, as inputs: property by property, so that only the password and the keys are secrets.
import type * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../provisioners/engine/shell.ts";

type Inputs<T> = { readonly [Name in keyof T]: pulumi.Input<T[Name]> };

export type ConnectionArgs = Inputs<Omit<Connection, "jump">> & { readonly jump?: Inputs<NonNullable<Connection["jump"]>> };
