// Prices of RDS, for one zone. From general knowledge, as those of disks and addresses in cost.ts; what is not here has no known price.
import type { Engine } from "./engines.ts";

/** USD an hour in us-east-1, on demand. */
const perHour: Readonly<Record<Engine, Readonly<Record<string, number>>>> = {
  mysql: {
    "db.t4g.micro": 0.016,
    "db.t4g.small": 0.032,
    "db.t4g.medium": 0.065,
    "db.t4g.large": 0.129,
    "db.m6g.large": 0.152,
    "db.m6g.xlarge": 0.304,
    "db.r6g.large": 0.215,
    "db.r6g.xlarge": 0.43,
  },
  postgres: {
    "db.t4g.micro": 0.016,
    "db.t4g.small": 0.032,
    "db.t4g.medium": 0.065,
    "db.t4g.large": 0.129,
    "db.m6g.large": 0.159,
    "db.m6g.xlarge": 0.318,
    "db.r6g.large": 0.225,
    "db.r6g.xlarge": 0.45,
  },
};

/** A GB of gp3 and month of 730 hours. */
const storage = 0.115;

/** Two zones cost twice as much, disks too. */
export function databasePrice(engine: string, instanceClass: string, storageGB: number, multiZone: boolean) {
  const times = multiZone ? 2 : 1;
  const known = Object.hasOwn(perHour, engine) ? perHour[engine as Engine][instanceClass] : undefined;
  return { server: known === undefined ? null : known * times, disk: (storageGB * storage * times) / 730 };
}
