// Three machines on this computer.
import type { Place } from "../place.ts";

/** Two web servers, and one for database and cache, as contests hand them out. */
const fleet = {
  target: "practice",
  servers: {
    isu1: { roles: ["base", "nginx", "php-fpm", "wordpress"], cores: 2, memory: "1GiB" },
    isu2: { roles: ["base", "nginx", "php-fpm", "wordpress"], cores: 2, memory: "1GiB" },
    isu3: { roles: ["base", "mysql", "memcached", "redis"], cores: 1, memory: "1GiB" },
  },
  params: {
    base: { sysctl: { preset: "isucon" } },
    nginx: {
      sites: [
        {
          name: "wordpress",
          root: "/usr/share/wordpress",
          index: ["index.php"],
          upstreams: [{ name: "php", servers: [{ socket: "/run/php/fleet.sock" }] }],
          routes: [
            { kind: "front", path: "/" },
            { kind: "fastcgi", upstream: "php" },
            { kind: "static", path: "/", endings: ["css", "js", "png", "jpg", "svg", "woff2"] },
          ],
        },
      ],
    },
    mysql: { preset: "isucon", databases: { wordpress: {} }, users: { wordpress: { grants: { wordpress: ["ALL"] } } } },
  },
};

export const practice: Place = {
  title: "on this computer: three practice machines, as a contest has them",
  said: (options) => options.practice ?? false,
  ask: async () => ({ secret: false, fleet: () => fleet }),
  comment: " Machines on this computer. `fleet docs roles` lists the roles, `fleet docs nginx` what one takes.",
  next: (team) => [[`./fleet up ${team}`, "three machines on this computer"]],
};
