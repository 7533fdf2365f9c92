// The one door to ssh2, so that nobody loads it with ssh2's native part, and ciphers cost what they must.
import "./without-native.ts";
import "./kept-keys.ts";
import ssh2 from "ssh2";
import { giveBackCiphers } from "./kept-keys.ts";

giveBackCiphers();

export type { AnyAuthMethod, Client, ConnectConfig } from "ssh2";
export { ssh2 };
