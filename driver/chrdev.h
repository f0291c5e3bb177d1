/* SPDX-License-Identifier: GPL-2.0 */
/* Operations of an open file that have a source file of their own. */
#ifndef XQACCEL_CHRDEV_H
#define XQACCEL_CHRDEV_H

struct file;
struct seq_file;

/* fdinfo.c */
void xqaccel_show_fdinfo(struct seq_file *s, struct file *file);

#endif
