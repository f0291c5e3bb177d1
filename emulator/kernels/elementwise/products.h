/* SPDX-License-Identifier: MIT */
/* Private to products: whether a straight line gives them. */
#ifndef XQK_ELEMENTWISE_PRODUCTS_H
#define XQK_ELEMENTWISE_PRODUCTS_H

#include "elementwise/micro_kernels.h"

/**
 * xqk_product_points() - the products that stand for all
 * @least: @greatest: bounds of results
 * @points: in ascending order, at most XQK_ELEMENTS_MOST
 *
 * Return: how many; 0 if there can be no line.
 */
size_t xqk_product_points(const struct xq_elementwise *e, int32_t least, int32_t greatest,
			  int32_t *points);

/**
 * xqk_find_product_line() - a line that gives the results of all products
 * @exact: the results of the points
 *
 * Return: whether there is one.
 */
bool xqk_find_product_line(const struct xq_elementwise *e, int32_t least, int32_t greatest,
			   const int32_t *points, const uint8_t *exact, size_t count,
			   struct xqk_product_line *line);

#endif
