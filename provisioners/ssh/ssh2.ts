// The one door to ssh2 and node-ssh, so that nobody loads them with ssh2's native part.
import "./without-native.ts";
import { NodeSSH } from "node-ssh";
import ssh2 from "ssh2";

export type { AnyAuthMethod, Client, ConnectConfig } from "ssh2";
export { NodeSSH, ssh2 };
