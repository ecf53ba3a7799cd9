"""Formulas as MathML, which browsers draw themselves: no script, and nothing from the network."""

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml


def _inline(translator, node):
    translator.body.append(tex2mathml(node.astext()))


def _block(translator, node):
    formula = tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="formula">{formula}</div>')


def _visit(write):
    def visit(translator, node):
        write(translator, node)
        raise SkipNode

    return visit, None


def setup(app):
    """Registers the renderer, the only one."""
    app.add_html_math_renderer("mathml", _visit(_inline), _visit(_block))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True}
