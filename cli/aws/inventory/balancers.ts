// Load balancers and their target groups that carry the fleet's tag. Listeners go with their balancer.
import * as sdk from "@aws-sdk/client-elastic-load-balancing-v2";
import { type Access, clientOf } from "../../../provisioners/aws/access.ts";
import { all, steps, tagsOf, type Whose } from "../tagged-resource.ts";

/** So many AWS tells the tags of at once. */
const atOnce = 20;

export async function lookAtBalancers(access: Access): Promise<readonly Whose[]> {
  const client = new sdk.ElasticLoadBalancingV2Client(clientOf(access));
  const balancers = await all(sdk.paginateDescribeLoadBalancers({ client }, {}), (page) => page.LoadBalancers);
  const groups = await all(sdk.paginateDescribeTargetGroups({ client }, {}), (page) => page.TargetGroups);
  const arns = [
    ...balancers.map(({ LoadBalancerArn = "" }) => LoadBalancerArn),
    ...groups.map(({ TargetGroupArn = "" }) => TargetGroupArn),
  ];
  const found: Whose[] = [];
  for (let at = 0; at < arns.length; at += atOnce) {
    const { TagDescriptions = [] } = await client.send(new sdk.DescribeTagsCommand({ ResourceArns: arns.slice(at, at + atOnce) }));
    found.push(...TagDescriptions.map(({ ResourceArn: id = "", Tags }) => whose(id, tagsOf(Tags))));
  }
  return found;
}

/** Returns when the balancer is gone: until then its group is held, and its interfaces a little longer. */
const whose = (id: string, tags: Whose["tags"]): Whose =>
  id.includes(":targetgroup/")
    ? { kind: "target group", id, tags, away: steps(`elbv2 delete-target-group --target-group-arn ${id}`) }
    : {
        kind: "load balancer",
        id,
        tags,
        away: steps(`elbv2 delete-load-balancer --load-balancer-arn ${id}`, `elbv2 wait load-balancers-deleted --load-balancer-arns ${id}`),
      };
