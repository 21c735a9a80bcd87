# The shell texts that request.c embeds.
RUNNER_SH := base common ladder keep supervise start attach kill drop list clean prepare place

$(BUILD)/plugin/runner/texts.o: $(RUNNER_SH:%=$(BUILD)/gen/%_sh.h)
