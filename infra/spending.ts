/**
 * The budget of a month. Of the whole account: costs can be told apart by tag only after somebody has activated the
 * tag in the billing console, and a budget over a tag that is not activated stays at zero and never warns.
 */
import * as pulumi from "@pulumi/pulumi";
import * as budgets from "@pulumi/aws/budgets/index.js";
import { nameOf, type Tags } from "./names.ts";

export interface SpendingArgs {
  stack: string;
  tags: Tags;
  region: string;
  monthlyBudgetUsd: number;
  alertEmail: string;
}

export class Spending extends pulumi.ComponentResource {
  constructor(name: string, args: SpendingArgs, options: pulumi.ComponentResourceOptions) {
    super("kimtest:infra:Spending", name, {}, options);
    const warn = (notificationType: "ACTUAL" | "FORECASTED", threshold: number) => ({
      notificationType,
      comparisonOperator: "GREATER_THAN",
      threshold,
      thresholdType: "PERCENTAGE",
      // By mail, not by the topic: Budgets would need a place in its policy and in its key's.
      subscriberEmailAddresses: [args.alertEmail],
    });
    new budgets.Budget(
      nameOf(args.stack, "budget"),
      {
        // Budgets are global: the region keeps stacks of one name apart.
        name: nameOf(args.stack, `budget-${args.region}`),
        budgetType: "COST",
        timeUnit: "MONTHLY",
        limitAmount: String(args.monthlyBudgetUsd),
        limitUnit: "USD",
        notifications: [warn("ACTUAL", 80), warn("ACTUAL", 100), warn("FORECASTED", 100)],
        tags: { ...args.tags },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
