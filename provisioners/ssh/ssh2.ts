// The one door to ssh2 and node-ssh, so that nobody loads them with ssh2's native part, and ciphers cost what they must.
import "./without-native.ts";
import "./kept-keys.ts";
import { NodeSSH } from "node-ssh";
import ssh2 from "ssh2";
import { giveBackCiphers } from "./kept-keys.ts";

giveBackCiphers();

export type { AnyAuthMethod, Client, ConnectConfig } from "ssh2";
export { NodeSSH, ssh2 };
