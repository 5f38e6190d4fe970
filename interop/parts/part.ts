/** What a part of the comparison comes to. */
export interface PartResult {
  /** What is not as it has to be, in sentences. */
  readonly failures: readonly string[];
  /** For programs. */
  readonly json: unknown;
  /** Tables for documents. */
  readonly text: string;
}
