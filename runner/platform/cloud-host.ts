/** The instance of a deployed stack: S3, CloudWatch, SNS, and a spot notice to listen for. */
import { DIGEST_KEY } from "../../contracts/bucket.ts";
import type { ServiceSettings } from "../../contracts/stack.ts";
import { systemClock as clock } from "./clock.ts";
import { CloudWatchMetrics } from "./cloudwatch-metrics.ts";
import type { Host } from "./host.ts";
import type { Log } from "./log.ts";
import { machineTypeOf } from "./machine-type.ts";
import { snsNotifier } from "./sns-notifier.ts";
import { watchSpotNotice } from "./spot-notice.ts";

/** `env`: of this process; the region is put into it. */
export function cloudHost(settings: ServiceSettings, env: NodeJS.ProcessEnv, log: Log): Host {
  const { stack, region, s3_bucket: bucket, sns_topic: topic } = settings;
  env["AWS_REGION"] = region; // for the store, whose address does not say it
  const metrics = new CloudWatchMetrics({ stack, region, clock, log });
  const notifier = snsNotifier({ topic, region, whole: `s3://${bucket}/${DIGEST_KEY} (kimtest infra-digest)` });
  return {
    store: `s3://${bucket}`,
    notifier,
    metrics,
    about: { stack, bundle: settings.bundle.sha256 },
    watch: (onNotice) =>
      watchSpotNotice({
        env,
        clock,
        log,
        onNotice: (notice) => {
          metrics.count("SpotInterruption", 1);
          onNotice(notice);
        },
      }),
    machineType: (signal) => machineTypeOf({ env, clock, log, signal }),
    close: () => {
      notifier.close();
    },
  };
}
