/** Layer numbers as a person types them: `6, 12, 18`. What is not a number becomes NaN, which the call refuses. */
export function parseLayers(text: string): number[] {
  return text
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map(Number);
}
