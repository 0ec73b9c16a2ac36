/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/form.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void
write_value(FILE *out, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.~";

	for (; *value != '\0'; value++) {
		if (strchr(plain, *value))
			fputc(*value, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*value);
	}
}

void
form_open(struct form *form, const char *action, const char *version)
{
	*form = (struct form){0};
	form->out = open_memstream(&form->text, &form->size);
	if (!form->out)
		return;
	fputs("Action=", form->out);
	write_value(form->out, action);
	form_add(form, version, "Version");
}

void
form_add(struct form *form, const char *value, const char *name, ...)
{
	va_list args;

	if (!form->out)
		return;
	fputc('&', form->out);
	va_start(args, name);
	vfprintf(form->out, name, args);
	va_end(args);
	fputc('=', form->out);
	write_value(form->out, value);
}

char *
form_close(struct form *form)
{
	bool ok;

	if (!form->out)
		return NULL;
	ok = !ferror(form->out);
	if (fclose(form->out) == 0 && ok)
		return form->text;
	free(form->text);
	return NULL;
}
