// nginx: the team's sites, their certificates, a log that alp reads, and limits that fit its workers.
import { z } from "zod";
import { HostName, PrivateKey } from "../../../spec/scalars.ts";
import { dropIn } from "../../../templates/app/unit.ts";
import { cacheFolder } from "../../../templates/nginx/cache.ts";
import { NginxMain, type NginxPlace, nginxConf } from "../../../templates/nginx/nginx-conf.ts";
import { Site, site, sitePorts } from "../../../templates/nginx/site.ts";
import { Label } from "../../../templates/words.ts";
import type { Facts } from "../../engine/facts.ts";
import { type Declared, want } from "../../resources/want.ts";
import { defineRole } from "../role.ts";
import { nginxMove } from "./move.ts";
import { settledSite, settledUpstream } from "./sites.ts";

const Certificate = z
  .strictObject({
    names: z.array(HostName).min(1).describe("names that a generated certificate is for"),
    certificate: z
      .string()
      .optional()
      .describe("PEM of the certificate and its chain; without it a self-signed one for ten years is generated"),
    key: PrivateKey.optional().describe("PEM of its private key"),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: "expected `certificate` and `key` together, got one of them; give both, or neither for a self-signed one",
  });

const Params = z
  .strictObject({
    main: NginxMain.prefault({}).describe("settings of nginx.conf"),
    sites: z.array(Site).default([]).describe("the sites that it serves"),
    certificates: z.record(Label, Certificate).default({}).describe("certificates by name, at /etc/nginx/tls/<name>.crt and .key"),
  })
  .superRefine(({ main: { caches }, sites }, context) => {
    for (const [site, { routes }] of sites.entries()) {
      for (const [index, route] of routes.entries()) {
        if (route.kind !== "proxy" || route.cache === undefined || Object.hasOwn(caches, route.cache.name)) continue;
        const message = `expected one of \`main.caches\` (${Object.keys(caches).join(", ") || "there is none yet"}), got \`${route.cache.name}\``;
        context.addIssue({ code: "custom", path: ["sites", site, "routes", index, "cache", "name"], message });
      }
    }
  });
type Params = z.infer<typeof Params>;

interface Place extends NginxPlace {
  readonly user: string;
}

/** Of the distributions' packages. */
const places: Readonly<Record<Facts["packageManager"], Place>> = {
  apt: { user: "www-data", modules: "/etc/nginx/modules-enabled", enabled: "/etc/nginx/sites-enabled" },
  dnf: { user: "nginx", modules: "/usr/share/nginx/modules" },
};

export const nginx = defineRole<Params>({
  name: "nginx",
  summary: "nginx with the team's sites, certificates and an LTSV log",
  params: Params,
  territory: [{ name: "nginx", paths: ["/etc/nginx"], unit: "nginx.service", validate: "nginx -t" }],
  services: ({ sites, main }) => [
    {
      unit: "nginx.service",
      ports: {
        ...Object.fromEntries(sites.flatMap((each, at) => sitePorts(each).map((port, index) => [portPlace(each, at, index), port]))),
        ...(main.statusPort !== false && { "main.statusPort": main.statusPort }),
        ...Object.fromEntries(main.streams.map(({ port }, index) => [`main.streams[${index}].port`, port])),
      },
    },
  ],
  provides: ({ sites }) =>
    Object.fromEntries(sites.flatMap(({ name, listen: [port] }) => (port === undefined ? [] : [[name, { protocol: "http", port }]]))),
  move: nginxMove,
  resources(context) {
    const { params, facts } = context;
    const { certificates } = params;
    const place = places[facts.packageManager];
    const sites = params.sites.map((each) => settledSite(each, context));
    const streams = params.main.streams.map((each) => ({ ...each, upstream: settledUpstream(each.upstream, context) }));
    // What the server's own nginx may read (a home of mode 0750, say) stays readable.
    const main = { ...params.main, streams, user: params.main.user ?? facts.nginxUser ?? place.user };
    const server = want.package({ name: "nginx" });
    const files = [
      want.file({ path: "/etc/nginx/nginx.conf", content: nginxConf(main, place) }),
      ...sites.flatMap((each) => siteFiles(each, place)),
      ...(place.enabled ? [want.absent({ path: `${place.enabled}/default`, broughtBy: server.address })] : []),
    ];
    const tls = Object.entries(certificates).flatMap(([name, certificate]) => certificateFiles(name, certificate, place.user));
    const caches = Object.keys(main.caches).map((name) => cache(name, main.user));
    const nofile = main.workerRlimitNofile ?? 4 * main.workerConnections;
    const limits = want.unit({
      name: "nginx.service",
      dropIn: "zz-fleet.conf",
      content: dropIn({ role: "nginx", service: { LimitNOFILE: nofile } }),
    });
    const heard = [...files, ...tls].map(({ address }) => address);
    const service = want.service({
      unit: "nginx.service",
      reloadOn: heard,
      ...(caches.length > 0 && { after: caches.map(({ address }) => address) }),
      restartOn: [limits.address],
      validate: "nginx -t",
      freshWorkers: true,
      log: "/var/log/nginx/error.log",
    });
    return [
      server,
      ...(streams.length > 0 ? [want.package({ name: "libnginx-mod-stream" })] : []),
      ...caches,
      ...files,
      ...tls,
      limits,
      service,
      ...[...sites.flatMap(sitePorts), ...streams.map(({ port }) => port)].map((port) =>
        want.check({ name: `nginx-${port}`, port: { port, program: "nginx" } }),
      ),
      want.live({ of: "nginx", file: "/etc/nginx/nginx.conf", after: [service.address] }),
      want.live({ of: "systemd", file: "/etc/systemd/system/nginx.service.d/zz-fleet.conf", after: [service.address] }),
    ];
  },
});

const portPlace = ({ listen }: Site, at: number, index: number): string =>
  index < listen.length ? `sites[${at}].listen[${index}]` : `sites[${at}].tls.port`;

/** nginx fills it as its own user, and an undo empties it. */
const cache = (name: string, user: string): Declared =>
  want.command({
    name: `nginx-cache-${name.toLowerCase()}`,
    run: `install -d -m 0700 -o ${user} ${cacheFolder(name)}`,
    creates: cacheFolder(name),
    undo: `rm -rf ${cacheFolder(name)}`,
  });

/** A site is a file of its own; Debian has a folder more, of links to those that are served. */
function siteFiles(params: Site, { enabled }: Place): Declared[] {
  if (!enabled) return [want.file({ path: `/etc/nginx/conf.d/${params.name}.conf`, content: site(params) })];
  const path = `/etc/nginx/sites-available/${params.name}`;
  return [want.file({ path, content: site(params) }), want.link({ path: `${enabled}/${params.name}`, target: path })];
}

function certificateFiles(name: string, { names, certificate, key }: z.infer<typeof Certificate>, group: string): Declared[] {
  const folder = want.directory({ path: "/etc/nginx/tls", mode: "0750", group });
  const [crt, secret] = [`/etc/nginx/tls/${name}.crt`, `/etc/nginx/tls/${name}.key`];
  if (certificate !== undefined && key !== undefined) {
    return [
      folder,
      want.file({ path: crt, content: certificate }),
      want.file({ path: secret, content: key, mode: "0600", sensitive: true }),
    ];
  }
  const subject = names.map((each) => `DNS:${each}`).join(",");
  const run = `umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=${names[0]} -addext subjectAltName=${subject} -keyout ${secret} -out ${crt}.new
mv ${crt}.new ${crt}`;
  // Before the service, which reads it.
  return [
    want.package({ name: "openssl" }),
    folder,
    want.command({ name: `nginx-tls-${name.toLowerCase()}`, run, creates: crt, undo: `rm -f ${crt} ${secret}`, after: [folder.address] }),
  ];
}
