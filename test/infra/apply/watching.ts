/** Topic, key, logs, alarms, dashboard, events, budget. */
import { BudgetsClient, CreateBudgetCommand, type NotificationWithSubscribers } from "@aws-sdk/client-budgets";
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutDashboardCommand,
  PutMetricAlarmCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { CreateAliasCommand, CreateKeyCommand, EnableKeyRotationCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateTopicCommand, SetTopicAttributesCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import type { Apply, Inputs } from "./inputs.ts";

export function watching(accountId: string): Record<string, Apply> {
  const sns = new SNSClient({});
  return {
    ...keys(),
    ...alarms(accountId),
    "aws:sns/topic:Topic": async (inputs) => {
      const Attributes = { DisplayName: inputs.text("displayName"), KmsMasterKeyId: inputs.text("kmsMasterKeyId") };
      const { TopicArn = "" } = await sns.send(
        new CreateTopicCommand({ Name: inputs.text("name"), Attributes, Tags: inputs.tags() }),
      );
      return { id: TopicArn, outputs: { arn: TopicArn } };
    },
    "aws:sns/topicPolicy:TopicPolicy": async (inputs) => {
      const TopicArn = inputs.text("arn");
      const AttributeValue = inputs.text("policy");
      await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: "Policy", AttributeValue }));
      return { id: TopicArn, outputs: {} };
    },
    "aws:sns/topicSubscription:TopicSubscription": async (inputs) => {
      const { SubscriptionArn = "" } = await sns.send(
        new SubscribeCommand({
          TopicArn: inputs.text("topic"),
          Protocol: inputs.text("protocol"),
          Endpoint: inputs.text("endpoint"),
          ReturnSubscriptionArn: true,
        }),
      );
      return { id: SubscriptionArn, outputs: { arn: SubscriptionArn } };
    },
    "aws:cloudwatch/logGroup:LogGroup": async (inputs) => {
      const logs = new CloudWatchLogsClient({});
      const logGroupName = inputs.text("name");
      await logs.send(new CreateLogGroupCommand({ logGroupName, tags: Object.fromEntries(inputs.record("tags")) }));
      const retentionInDays = inputs.number("retentionInDays");
      await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays }));
      const region = await logs.config.region();
      return { id: logGroupName, outputs: { arn: `arn:aws:logs:${region}:${accountId}:log-group:${logGroupName}` } };
    },
    "aws:budgets/budget:Budget": async (inputs) => {
      const name = inputs.text("name");
      const Budget = {
        BudgetName: name,
        BudgetType: inputs.text("budgetType") as "COST",
        TimeUnit: inputs.text("timeUnit") as "MONTHLY",
        BudgetLimit: { Amount: inputs.text("limitAmount"), Unit: inputs.text("limitUnit") },
      };
      const NotificationsWithSubscribers = inputs.parts("notifications").map(notification);
      inputs.skip("tags"); // moto keeps none for budgets
      await new BudgetsClient({}).send(
        new CreateBudgetCommand({ AccountId: accountId, Budget, NotificationsWithSubscribers }),
      );
      return { id: `${accountId}:${name}`, outputs: {} };
    },
  };
}

function notification(inputs: Inputs): NotificationWithSubscribers {
  const read = {
    Notification: {
      NotificationType: inputs.text("notificationType") as "ACTUAL",
      ComparisonOperator: inputs.text("comparisonOperator") as "GREATER_THAN",
      Threshold: inputs.number("threshold"),
      ThresholdType: inputs.text("thresholdType") as "PERCENTAGE",
    },
    Subscribers: inputs
      .texts("subscriberEmailAddresses")
      .map((Address) => ({ SubscriptionType: "EMAIL" as const, Address })),
  };
  inputs.end();
  return read;
}

function keys(): Record<string, Apply> {
  const kms = new KMSClient({});
  return {
    "aws:kms/key:Key": async (inputs) => {
      const Tags = inputs.tags().map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value }));
      inputs.skip("deletionWindowInDays"); // what a later destroy does
      const { KeyMetadata } = await kms.send(
        new CreateKeyCommand({ Description: inputs.text("description"), Policy: inputs.text("policy"), Tags }),
      );
      const KeyId = KeyMetadata?.KeyId ?? "";
      if (inputs.flag("enableKeyRotation")) await kms.send(new EnableKeyRotationCommand({ KeyId }));
      return { id: KeyId, outputs: { arn: KeyMetadata?.Arn, keyId: KeyId } };
    },
    "aws:kms/alias:Alias": async (inputs) => {
      const AliasName = inputs.text("name");
      await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: inputs.text("targetKeyId") }));
      return { id: AliasName, outputs: {} };
    },
  };
}

function alarms(accountId: string): Record<string, Apply> {
  const cloudwatch = new CloudWatchClient({});
  const events = new EventBridgeClient({});
  return {
    "aws:cloudwatch/metricAlarm:MetricAlarm": async (inputs) => {
      const AlarmName = inputs.text("name");
      await cloudwatch.send(
        new PutMetricAlarmCommand({
          AlarmName,
          AlarmDescription: inputs.text("alarmDescription"),
          Namespace: inputs.text("namespace"),
          MetricName: inputs.text("metricName"),
          Dimensions: inputs.record("dimensions").map(([Name, Value]) => ({ Name, Value })),
          Statistic: inputs.text("statistic") as "Sum",
          Period: inputs.number("period"),
          EvaluationPeriods: inputs.number("evaluationPeriods"),
          DatapointsToAlarm: inputs.number("datapointsToAlarm"),
          ComparisonOperator: inputs.text("comparisonOperator") as "LessThanThreshold",
          Threshold: inputs.number("threshold"),
          TreatMissingData: inputs.text("treatMissingData"),
          AlarmActions: inputs.texts("alarmActions"),
          OKActions: inputs.texts("okActions"),
          Tags: inputs.tags(),
        }),
      );
      const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [AlarmName] }));
      return { id: AlarmName, outputs: { arn: MetricAlarms?.[0]?.AlarmArn } };
    },
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": async (inputs) => {
      // moto has no PutCompositeAlarm. What can be shown: the alarms of its rule exist.
      const AlarmName = inputs.text("alarmName");
      const AlarmNames = [...inputs.text("alarmRule").matchAll(/ALARM\("([^"]+)"\)/g)].map(([, name]) => name!);
      const { MetricAlarms = [] } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames }));
      if (AlarmNames.length === 0 || MetricAlarms.length !== AlarmNames.length) {
        throw new Error(`${AlarmName} is made of ${AlarmNames.join(", ")}, of which ${MetricAlarms.length} exist`);
      }
      inputs.skip("alarmDescription", "alarmActions", "okActions", "tags");
      const region = await cloudwatch.config.region();
      return { id: AlarmName, outputs: { arn: `arn:aws:cloudwatch:${region}:${accountId}:alarm:${AlarmName}` } };
    },
    "aws:cloudwatch/dashboard:Dashboard": async (inputs) => {
      const DashboardName = inputs.text("dashboardName");
      await cloudwatch.send(new PutDashboardCommand({ DashboardName, DashboardBody: inputs.text("dashboardBody") }));
      return { id: DashboardName, outputs: {} };
    },
    "aws:cloudwatch/eventRule:EventRule": async (inputs) => {
      const Name = inputs.text("name");
      const { RuleArn } = await events.send(
        new PutRuleCommand({
          Name,
          Description: inputs.text("description"),
          EventPattern: inputs.text("eventPattern"),
          Tags: inputs.tags(),
        }),
      );
      return { id: Name, outputs: { arn: RuleArn } };
    },
    "aws:cloudwatch/eventTarget:EventTarget": async (inputs) => {
      const Rule = inputs.text("rule");
      const Id = inputs.text("targetId");
      const transformer = inputs.part("inputTransformer");
      const InputTransformer = {
        InputPathsMap: Object.fromEntries(transformer.record("inputPaths")),
        InputTemplate: transformer.text("inputTemplate"),
      };
      transformer.end();
      await events.send(new PutTargetsCommand({ Rule, Targets: [{ Id, Arn: inputs.text("arn"), InputTransformer }] }));
      return { id: `${Rule}-${Id}`, outputs: {} };
    },
  };
}
