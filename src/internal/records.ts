/**
 * Whether a schema reads or writes objects under names that the value itself brings. Such a name may be `__proto__`, which
 * an assignment takes for something else than a property, and loses.
 */
import type * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"

/** The parts of a schema, of both of its sides. */
const parts = (ast: AST.AST): ReadonlyArray<AST.AST> => {
  switch (ast._tag) {
    case "TypeLiteral":
      return ast.propertySignatures.map(({ type }) => type)
    case "TupleType":
      return [...ast.elements, ...ast.rest].map(({ type }) => type)
    case "Union":
      return ast.types
    case "Refinement":
      return [ast.from]
    case "Transformation":
      return [ast.from, ast.to]
    case "Declaration":
      return ast.typeParameters
    case "Suspend":
      return [ast.f()]
    default:
      return []
  }
}

/** Not to be asked before the schema is used: the parts of a recursive one may not be there yet. */
export const has = (schema: Schema.Schema.All): boolean => {
  const seen = new Set<AST.AST>()
  const left: Array<AST.AST> = [schema.ast]
  for (let ast = left.pop(); ast !== undefined; ast = left.pop()) {
    if (seen.has(ast)) continue
    if (ast._tag === "TypeLiteral" && ast.indexSignatures.length > 0) return true
    seen.add(ast)
    left.push(...parts(ast))
  }
  return false
}
