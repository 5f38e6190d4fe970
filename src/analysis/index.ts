/** Seeing what quantization does: where it hurts, why, and what helps. */
export type { Explanation, Grid } from './arithmetic/explanation.js';
export type { Term } from './arithmetic/site.js';
export type { Step } from './arithmetic/steps.js';
export { explanationText, type TextOptions } from './arithmetic/text.js';
export { explain, Explainer, type ExplainOptions, type Where } from './explain.js';
export { compareVariants, type ValueComparison, type VariantComparison } from './compareVariants.js';
export type { CodeReport } from './codeCounts.js';
export {
  layerReport,
  type LayerReport,
  type LayerReportOptions,
  type ValueReport,
  type WeightReport,
} from './layerReport.js';
export { Noise, sqnr } from './noise.js';
export {
  tensorHistogram,
  type ChannelReport,
  type GridReport,
  type HistogramGrid,
  type TensorHistogram,
  type TensorReport,
} from './tensorReport.js';
export type { Variant } from './variant.js';
export type { LabelledInputs, Quality } from './quality.js';
export { sensitivity, type Sensitivity, type SensitivityOptions } from './sensitivity.js';
export { attribute, type AttributeOptions } from './attribute.js';
export { SOURCES, type Source } from './attribution/sources.js';
export { attributionText } from './attribution/text.js';
export type { Attribution, Fix, LayerAttribution } from './attribution/types.js';
