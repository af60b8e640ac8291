import type { TestContext } from 'node:test';

/** Sets variables of the environment, which processes inherit, until the test ends. */
export function setVariables(t: TestContext, variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) process.env[name] = value;
  t.after(() => {
    for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
  });
}
