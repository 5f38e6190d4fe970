/** How broken rules of a target are shown. */
import { TARGETS, type TargetName, type Violation } from '../targets/index.js';
import { counted } from './text.js';

/** Three lines each: what was found, the fix, the page of the rule. */
export function violationLines(violations: readonly Violation[]): string[] {
  return violations.flatMap(({ severity, rule, node, value, message, fix, source }) => [
    `${severity} ${rule}: ${[node, value].filter((id) => id !== undefined).join(', ')}${(node ?? value) ? ': ' : ''}${message}`,
    `  fix: ${fix}`,
    ...(source === null ? [] : [`  see: ${source.url}`]),
  ]);
}

/** The violations, and one line that sums up. Of a float model only a part of the rules can be told. */
export function verdictLines(
  path: string,
  name: TargetName,
  violations: readonly Violation[],
  integer = true,
): string[] {
  const count = (severity: Violation['severity']): number =>
    violations.filter((v) => v.severity === severity).length;
  const { title } = TARGETS[name];
  const [errors, warnings, notes] = [count('error'), count('warning'), count('note')];
  const found = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
    ...(notes > 0 ? [counted(notes, 'note')] : []),
  ].join(', ');
  const extent = integer ? '' : ', as far as a float model shows';
  const verdict =
    errors > 0
      ? `${path} breaks documented rules of ${title}`
      : `${path} conforms to the documented rules of ${title}${extent}`;
  return [...violationLines(violations), found === '' ? verdict : `${verdict}: ${found}`];
}

/** For `--json`. */
export function violationData({ rule, severity, node, value, message, fix, source }: Violation): object {
  return { rule, severity, node: node ?? null, value: value ?? null, message, fix, source };
}
