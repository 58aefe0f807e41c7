/* test_list.c - the intrusive list keeps order, and removing twice is harmless. */
#include <anymm/list.h>

#include "../harness.h"

struct item {
	int	    value;
	struct list node;
};

/* expect_list - the values, forwards and backwards. */
static void
expect_list(struct list *head, const int *values, size_t nr)
{
	size_t i = 0;

	LIST_FOR_EACH(node, head) {
		assert_true(i < nr);
		assert_int_equal(CONTAINER_OF(node, struct item, node)->value, values[i++]);
	}
	assert_int_equal(i, nr);
	for (struct list *node = head->prev; node != head; node = node->prev)
		assert_int_equal(CONTAINER_OF(node, struct item, node)->value, values[--i]);
	assert_int_equal(i, 0);
}

/* before  head            after  head 1 2 3          removed 2:  head 1 3 */
static void
nodes_keep_their_order(void **state)
{
	struct item items[] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	list_insert_before(&head, &items[0].node);
	list_insert_before(&head, &items[2].node);
	list_insert_before(&items[2].node, &items[1].node);
	expect_list(&head, (int[]){ 1, 2, 3 }, 3);
	assert_false(list_is_empty(&head));
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	expect_list(&head, (int[]){ 1, 3 }, 2);
	list_remove(&items[0].node);
	list_remove(&items[2].node);
	assert_true(list_is_empty(&head));
}

TEST_SUITE(list, cmocka_unit_test(nodes_keep_their_order))
