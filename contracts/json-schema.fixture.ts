/**
 * A small validator of JSON Schema (draft 2020-12): it knows exactly the words that docs/schemas/ use, and throws on any
 * other, so that nothing in them is silently ignored. Its numbers may be bigints, which those of libraries may not:
 * seeds have 64 bits.
 */
export type Json = Record<string, unknown>;

const IGNORED = new Set(["$schema", "$defs", "title", "description", "default", "format"]);

const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isOfType(value: unknown, type: unknown): boolean {
  if (Array.isArray(type)) return type.some((one) => isOfType(value, one));
  switch (type) {
    case "integer":
      return typeof value === "bigint" || Number.isInteger(value);
    case "number":
      return isNumber(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "null":
      return value === null;
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      throw new Error(`unknown type ${String(type)}`);
  }
}

/** Whether `value`, as parsed from JSON, is valid by `schema`; `file` holds what it refers to. */
export function isValid(value: unknown, schema: Json, file: Json): boolean {
  const inner = (one: unknown, of: unknown): boolean => isValid(one, of as Json, file);
  const properties = (schema["properties"] ?? {}) as Json;
  return Object.entries(schema).every(([word, says]): boolean => {
    if (IGNORED.has(word)) return true;
    const bound = says as number;
    switch (word) {
      case "$ref": {
        const target = (file["$defs"] as Json)[(says as string).replace("#/$defs/", "")];
        if (target === undefined) throw new Error(`${says as string} leads nowhere`);
        return inner(value, target);
      }
      case "type":
        return isOfType(value, says);
      case "const":
        return value === says;
      case "enum":
        return (says as unknown[]).includes(value);
      case "anyOf":
        return (says as unknown[]).some((one) => inner(value, one));
      case "oneOf":
        return (says as unknown[]).filter((one) => inner(value, one)).length === 1;
      case "minimum":
        return !isNumber(value) || value >= bound;
      case "maximum":
        return !isNumber(value) || value <= bound;
      case "exclusiveMinimum":
        return !isNumber(value) || value > bound;
      case "minLength":
        return typeof value !== "string" || value.length >= bound;
      case "pattern":
        return typeof value !== "string" || new RegExp(says as string, "u").test(value);
      case "minItems":
        return !Array.isArray(value) || value.length >= bound;
      case "maxItems":
        return !Array.isArray(value) || value.length <= bound;
      case "items":
        return !Array.isArray(value) || value.every((one) => inner(one, says));
      case "required":
        return !isObject(value) || (says as string[]).every((name) => Object.hasOwn(value, name));
      case "properties":
        return (
          !isObject(value) ||
          Object.entries(properties).every(([name, of]) => !Object.hasOwn(value, name) || inner(value[name], of))
        );
      case "propertyNames":
        return !isObject(value) || Object.keys(value).every((name) => inner(name, says));
      case "additionalProperties":
        return (
          !isObject(value) ||
          Object.entries(value).every(
            ([name, one]) => Object.hasOwn(properties, name) || (says !== false && inner(one, says)),
          )
        );
      default:
        throw new Error(`the word ${word} is not known here`);
    }
  });
}
