/* SPDX-License-Identifier: MIT */
/* What ECS answers, as its API Reference shows it, shortened. */
#ifndef GSM_SCALERD_ECS_ANSWERS_H
#define GSM_SCALERD_ECS_ANSWERS_H

#include "scalerd/aws/ecs_answer.h"
#include "tests/unit/scalerd/answer_bench.h"

#define ARN    "arn:aws:ecs:eu-west-1:123456789012:"
#define TASK   ARN "task/chess/0123456789abcdef0123456789abcdef"
#define HOST   ARN "container-instance/chess/00112233445566778899aabbccddeeff"
#define FAMILY ARN "task-definition/game:7"

/* What every task has. */
#define CORE                                                                   \
	"\"taskArn\":\"" TASK "\",\"lastStatus\":\"RUNNING\","                 \
	"\"desiredStatus\":\"RUNNING\",\"taskDefinitionArn\":\"" FAMILY "\""
#define TASKS(tasks) "{\"tasks\":[" tasks "],\"failures\":[]}"
#define WITH(rest)   TASKS("{" CORE "," rest "}")
#define BINDING(c, h, p)                                                       \
	"{\"bindIP\":\"0.0.0.0\",\"containerPort\":" c ",\"hostPort\":" h      \
	",\"protocol\":" p "}"
#define BOUND(bindings)                                                        \
	WITH("\"containers\":[{\"name\":\"game\",\"networkBindings\":"         \
	     "[" bindings "]}]")
#define TAG_OF(k, v) "{\"key\":\"" k "\",\"value\":\"" v "\"}"

#define GAME_TCP BINDING("27015", "32768", "\"tcp\"")
#define GAME_UDP BINDING("27016", "32770", "\"udp\"")
#define SIDECAR  BINDING("80", "32771", "\"tcp\"")
#define TAGS                                                                   \
	TAG_OF("Name", "x")                                                    \
	"," TAG_OF("gameserver-manager:fleet", "blitz") "," TAG_OF(            \
	    "gameserver-manager:operation", OPERATION)

static const char task_answer[] =
    "{\"failures\":[],\"tasks\":[{"
    "\"attachments\":[{\"id\":\"1\",\"type\":\"ElasticNetworkInterface\","
    "\"status\":\"ATTACHED\",\"details\":[{\"name\":\"subnetId\","
    "\"value\":\"subnet-1\"},{\"name\":\"networkInterfaceId\","
    "\"value\":\"eni-0f62d866\"}]},{\"type\":\"Service Connect\"}],"
    "\"attributes\":[{\"name\":\"ecs.cpu-architecture\",\"value\":\"x86_64\"}],"
    "\"clusterArn\":\"" ARN "cluster/chess\",\"connectivityAt\":1.5E9,"
    "\"containerInstanceArn\":\"" HOST "\",\"containers\":[{"
    "\"containerArn\":\"" ARN "container/chess/1\",\"name\":\"game\","
    "\"lastStatus\":\"RUNNING\",\"networkBindings\":[" GAME_TCP ","
    "{\"bindIP\":\"::\",\"containerPort\":27015,\"hostPort\":32769,"
    "\"protocol\":\"tcp\"}," GAME_UDP ",{\"bindIP\":\"0.0.0.0\","
    "\"containerPortRange\":\"1-9\",\"hostPortRange\":\"1-9\","
    "\"protocol\":\"udp\"}]},{\"name\":\"sidecar\","
    "\"networkBindings\":[" SIDECAR "],\"exitCode\":0}],"
    "\"cpu\":\"128\",\"createdAt\":1482287744.123,"
    "\"desiredStatus\":\"RUNNING\",\"lastStatus\":\"RUNNING\","
    "\"startedBy\":\"gsm/blitz\",\"stopCode\":null,"
    "\"tags\":[" TAGS ",{\"key\":\"empty\"}],"
    "\"taskArn\":\"" TASK "\",\"taskDefinitionArn\":\"" FAMILY "\","
    "\"version\":1}]}";

static const char task_list[] =
    "{\"nextToken\":\"p+/=2\",\"taskArns\":[\"" TASK "\",\"" TASK "2\"]}";

static const char host_answer[] =
    "{\"containerInstances\":[{\"agentConnected\":true,"
    "\"containerInstanceArn\":\"" HOST "\","
    "\"ec2InstanceId\":\"i-1234567890abcdef0\",\"pendingTasksCount\":1,"
    "\"registeredAt\":1.7E9,\"runningTasksCount\":2,\"status\":\"DRAINING\","
    "\"versionInfo\":{\"agentVersion\":\"1.91.0\"}}],\"failures\":[{\"arn\":"
    "\"" HOST "2\",\"reason\":\"MISSING\"}]}";

static const char definition_answer[] =
    "{\"taskDefinition\":{\"containerDefinitions\":[{\"name\":\"game\","
    "\"portMappings\":[{\"containerPort\":27015,\"hostPort\":0,"
    "\"protocol\":\"tcp\"},{\"containerPort\":27016,\"protocol\":\"udp\"},"
    "{\"containerPortRange\":\"1-9\",\"protocol\":\"tcp\"},"
    "{\"containerPort\":8080}],\"essential\":true},{\"name\":\"log\"}],"
    "\"family\":\"game\",\"networkMode\":\"bridge\",\"revision\":7,"
    "\"taskDefinitionArn\":\"" FAMILY "\",\"volumes\":[]},\"tags\":[]}";

static const char run_answer[] =
    "{\"failures\":[],\"tasks\":[{\"containerInstanceArn\":\"" HOST "\","
    "\"desiredStatus\":\"RUNNING\",\"lastStatus\":\"PENDING\","
    "\"taskArn\":\"" TASK "\"}]}";

#endif
