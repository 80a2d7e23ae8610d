/* XML as a small tree, for envelopes: namespaces resolved, limits kept, parsed by expat. */
#ifndef AMTLAB_PROTOCOL_WSMAN_XML_H
#define AMTLAB_PROTOCOL_WSMAN_XML_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

#define XML_DEPTH_MAX      32u
#define XML_NODES_MAX      8192u
#define XML_ATTRIBUTES_MAX 16u

struct xml_attribute {
    const char *ns; /* "" without one */
    const char *name, *value;
    const struct xml_attribute *next;
};
struct xml_node {
    const char *ns;   /* namespace URI, "" without one */
    const char *name; /* local name */
    /* Character data of this element alone, white space at both ends removed; "" for none. */
    const char *text;
    const struct xml_attribute *attributes;
    struct xml_node *first, *next;
};

/* The root element; all of it lives in arena. NULL with diag (AMT_EMALFORMED with line and column;
 * AMT_ELIMIT: too deep, too many nodes, a document type; AMT_ENOMEM). */
struct xml_node *xml_parse(struct arena *arena, const void *bytes, size_t len,
                           struct amt_diag *diag);

/* The first child of that name; ns NULL: in any namespace. NULL; parent may be NULL. */
const struct xml_node *xml_child(const struct xml_node *parent, const char *ns, const char *name);
/* The next sibling of the same name and namespace; NULL. */
const struct xml_node *xml_again(const struct xml_node *node);
/* Text of that child, or NULL if there is no such child. */
const char *xml_child_text(const struct xml_node *parent, const char *ns, const char *name);
/* Value of an attribute in any namespace; NULL. */
const char *xml_attribute(const struct xml_node *node, const char *name);

#endif
