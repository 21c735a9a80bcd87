/* handlers.h: what routes.c can send a request to. Each makes exactly one reply. */
#ifndef STANDIN_HANDLERS_H
#define STANDIN_HANDLERS_H

#include "request.h"

/* api_misc.c */
void api_health(struct request *request);
void api_config(struct request *request);
void api_current_key(struct request *request);
void api_dashboard(struct request *request);
void api_unknown(struct request *request);

/* api_usage.c: argument is the organization */
void api_usage(struct request *request);

/* api_create.c */
void api_create(struct request *request);

/* api_list.c */
void api_list(struct request *request);
void api_list_pages(struct request *request);

/* api_sandbox.c: argument is an id or a name */
void api_get(struct request *request);
void api_start(struct request *request);
void api_stop(struct request *request);
void api_delete(struct request *request);
void api_archive(struct request *request);
void api_recover(struct request *request);
void api_vm_only(struct request *request);

/* api_settings.c */
void api_labels(struct request *request);
void api_autostop(struct request *request);
void api_autoarchive(struct request *request);
void api_autodelete(struct request *request);
void api_last_activity(struct request *request);
void api_toolbox_url(struct request *request);
void api_build_logs_url(struct request *request);

/* toolbox_exec.c */
void toolbox_execute(struct request *request);

/* toolbox_code.c */
void toolbox_code_run(struct request *request);

/* toolbox_files.c */
void toolbox_home_dir(struct request *request);
void toolbox_version(struct request *request);
void toolbox_list(struct request *request);
void toolbox_info(struct request *request);
void toolbox_folder(struct request *request);
void toolbox_remove(struct request *request);
void toolbox_move(struct request *request);
void toolbox_permissions(struct request *request);

/* toolbox_transfer.c */
void toolbox_download(struct request *request);
void toolbox_bulk_download(struct request *request);

/* toolbox_search.c */
void toolbox_find(struct request *request);
void toolbox_search(struct request *request);
void toolbox_replace(struct request *request);

/* upload.c */
void toolbox_bulk_upload(struct request *request);
void toolbox_upload(struct request *request);

/* control.c */
void control_log(struct request *request);
void control_reset_log(struct request *request);
void control_faults(struct request *request);
void control_install_faults(struct request *request);
void control_sandboxes(struct request *request);
void control_sandbox(struct request *request);
void control_throttlers(struct request *request);
void control_install_throttlers(struct request *request);
void control_clock(struct request *request);

#endif
