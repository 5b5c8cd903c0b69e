import dprint from "@effect/eslint-plugin/configs/dprint"
import tseslint from "typescript-eslint"
import { house } from "./scripts/eslint-rules.js"

const restricted = {
  globals: [
    ...[
      "Date",
      "performance",
      "queueMicrotask",
      ...["Timeout", "Interval", "Immediate"].flatMap((name) => [`set${name}`, `clear${name}`])
    ].map((name) => ({
      name,
      message: "Time is the `Clock`'s: use `Clock`, `DateTime` or `Effect.sleep`."
    })),
    { name: "console", message: "Use `Effect.log` or `Console`." },
    { name: "process", message: "Take it as an option, or from `Config`." },
    { name: "crypto", message: "Use `Random`." },
    { name: "fetch", message: "Only activities reach outside, and the user writes those." }
  ],
  properties: [{ object: "Math", property: "random", message: "Use `Random`." }],
  syntax: [
    { selector: "ThrowStatement", message: "Fail with a tagged error, or die." },
    { selector: ":function[async=true]", message: "Use `Effect.gen`." },
    { selector: "NewExpression[callee.name='Promise']", message: "Use `Effect.async` or `Deferred`." },
    {
      selector: "ImportDeclaration[source.value=/^(effect|@effect\\/[a-z-]+)$/]",
      message: "Import the module: `import * as Effect from \"effect/Effect\"`."
    },
    {
      selector:
        "ImportDeclaration[source.value=/^(effect(?!\\/(Function|GlobalValue|Types)$)|@effect\\/[a-z-]+)\\//] > " +
        "ImportSpecifier",
      message: "Import the namespace: `import * as Effect from \"effect/Effect\"`."
    },
    {
      selector:
        ":matches(ImportDeclaration, ExportNamedDeclaration, ExportAllDeclaration)[source.value=/^\\..*\\.js$/]",
      message: "Name the source file: `./X.ts`."
    }
  ]
}

export default tseslint.config(
  { ignores: ["dist", "coverage", ".package", ".demo", "test/consumer"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  ...dprint,
  {
    rules: {
      "@effect/dprint": ["error", {
        config: {
          indentWidth: 2,
          lineWidth: 120,
          semiColons: "asi",
          quoteStyle: "alwaysDouble",
          trailingCommas: "never",
          operatorPosition: "maintain",
          "arrowFunction.useParentheses": "force"
        }
      }]
    }
  },
  {
    files: ["**/*.ts"],
    extends: tseslint.configs.strictTypeChecked,
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/array-type": ["error", { default: "generic", readonly: "generic" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/method-signature-style": "error",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // `{}` is a type of its own in conditional types, and an interface names what a type alias would spell out.
      "@typescript-eslint/no-empty-object-type": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      // The types of a module stand in the namespace of its constructor, as in Effect.
      "@typescript-eslint/no-namespace": ["error", { allowDeclarations: true }],
      // Three parameters of an `Effect` read better than one.
      "@typescript-eslint/no-unnecessary-type-arguments": "off",
      // A parameter that is used once is what infers a literal, or names a requirement.
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/no-unused-vars": ["error", {
        argsIgnorePattern: "^_",
        varsIgnorePattern: "^_",
        destructuredArrayIgnorePattern: "^_"
      }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "object-shorthand": "error",
      "prefer-const": "error"
    }
  },
  {
    files: ["src/**/*.ts"],
    plugins: { house },
    rules: {
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "house/tag-key": "error",
      "max-lines": ["error", { max: 450, skipBlankLines: true, skipComments: true }],
      "no-restricted-globals": ["error", ...restricted.globals],
      "no-restricted-properties": ["error", ...restricted.properties],
      "no-restricted-syntax": ["error", ...restricted.syntax]
    }
  },
  {
    files: ["src/*.ts"],
    plugins: { house },
    rules: { "house/documented": "error" }
  },
  {
    // Its state changes within the calls that it makes, which the rule cannot see.
    files: ["src/engine/**/*.ts"],
    rules: { "@typescript-eslint/no-unnecessary-condition": "off" }
  },
  {
    files: ["test/**/*.ts", "examples/**/*.ts", "*.config.ts"],
    rules: {
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/only-throw-error": "off",
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      // A body that takes no step, a handler that only fails.
      "require-yield": "off"
    }
  },
  {
    // Here stands what must not compile.
    files: ["test/types/**/*.ts"],
    rules: {
      "@typescript-eslint/ban-ts-comment": "off",
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-floating-promises": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-unused-vars": "off"
    }
  },
  {
    files: ["**/*.{js,mjs,cjs}"],
    languageOptions: { sourceType: "module" }
  }
)
