/** Output that a recorder under test writes as event number `event`; lengths vary. */
export function recordedText(event: number): string {
  return `${event}:${'#'.repeat((event * 37) % 3000)}`;
}
