import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'out', '.tap', 'node_modules'] },
  eslint.configs.recommended,
  tseslint.configs.strict,
  {
    files: ['**/*.js'],
    languageOptions: { globals: { console: 'readonly', URL: 'readonly' } },
  },
  {
    rules: {
      // Indexing a typed array in a loop whose bounds are checked needs no second check.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='round']",
          message: 'Math.round rounds half up: use roundHalfEven or roundHalfAway from kernels/rounding.',
        },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'Everything random comes from a seed: use Random from src/core/random.',
        },
      ],
    },
  },
);
