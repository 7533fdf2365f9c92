// Made from the folder by test/unit/registries.test.ts: UPDATE_GOLDEN=1 makes it anew.

import { app } from "./app/role.ts";
import { base } from "./base/role.ts";
import { haproxy } from "./haproxy/role.ts";
import { keepalived } from "./keepalived/role.ts";
import { memcached } from "./memcached/role.ts";
import { mysql } from "./mysql/role.ts";
import { nginx } from "./nginx/role.ts";
import { phpFpm } from "./php-fpm/role.ts";
import { redis } from "./redis/role.ts";
import { varnish } from "./varnish/role.ts";
import { wordpress } from "./wordpress/role.ts";

export const registered = [base, app, haproxy, keepalived, memcached, mysql, nginx, phpFpm, redis, varnish, wordpress];
