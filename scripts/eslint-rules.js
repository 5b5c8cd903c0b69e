/** Two rules of this house, for `eslint.config.js`. */

/** Every export of a public module says what its signature cannot, since when, and in which category. */
const documented = {
  meta: {
    type: "problem",
    schema: [],
    messages: { missing: "Say in a doc comment what it is, `@since` and `@category`." }
  },
  create: (context) => {
    let previous = undefined
    const nameOf = (declaration) => declaration.id?.name ?? declaration.declarations?.[0]?.id.name
    return {
      "Program > ExportNamedDeclaration[declaration]": (node) => {
        const name = nameOf(node.declaration)
        const overload = name !== undefined && name === previous && /Function/.test(node.declaration.type)
        previous = name
        const isDoc = ({ type, value }) => type === "Block" && value.startsWith("*")
        const doc = context.sourceCode.getCommentsBefore(node).findLast(isDoc)?.value ?? ""
        if (!overload && !(doc.includes("@since ") && doc.includes("@category "))) {
          context.report({ node, messageId: "missing" })
        }
      }
    }
  }
}

/** The key of a tag is the name of the package, maybe the module, and the class: no two tags are one by accident. */
const tagKey = {
  meta: { type: "problem", schema: [], messages: { wrong: "The key of this tag must be `tempolite/…/{{name}}`." } },
  create: (context) => ({
    "ClassDeclaration CallExpression[callee.property.name=/^(Tag|Reference|Service)$/]": (node) => {
      const owner = context.sourceCode.getAncestors(node).findLast((parent) => parent.type === "ClassDeclaration")
      const [key] = node.arguments
      const isHead = owner.superClass?.range[0] <= node.range[0] && node.range[1] <= owner.superClass?.range[1]
      if (!isHead || !/^(Context|Effect)$/.test(node.callee.object.name ?? "") || key?.type !== "Literal") return
      const parts = String(key.value).split("/")
      if (parts[0] !== "tempolite" || parts.at(-1) !== owner.id.name) {
        context.report({ node: key, messageId: "wrong", data: { name: owner.id.name } })
      }
    }
  })
}

export const house = { rules: { documented, "tag-key": tagKey } }
