// /etc/varnish/default.vcl: blank but for the backend. Start from here and widen step by step: rules of another site fail a benchmark.
import { conf, ownedBy } from "../conf.ts";

export interface Backend {
  /** Server by name or address. */
  readonly host: string;
  readonly port: number;
}

export const defaultVcl = ({ host, port }: Backend): string => conf`
  # ${ownedBy("varnish", "templates/varnish/default-vcl.ts")}
  vcl 4.1;

  backend default {
      .host = "${host}";
      .port = "${port}";
  }
`;
