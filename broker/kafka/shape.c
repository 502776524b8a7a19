/* What a field is in one version of its message. */
#include "kafka/codec.h"

CodecShape codec_request_shape(const KafkaMessage *m, int version)
{
    return (CodecShape){m->request, version, version >= m->flexible_from};
}

CodecShape codec_response_shape(const KafkaMessage *m, int version)
{
    return (CodecShape){m->response, version, version >= m->flexible_from};
}

bool codec_in_version(CodecShape shape, const KafkaField *f)
{
    return shape.version >= f->first && shape.version <= f->last;
}

bool codec_is_tagged(CodecShape shape, const KafkaField *f)
{
    return shape.flexible && f->tagged && shape.version >= f->tagged - 1;
}

bool codec_is_default(const KafkaField *f, const json_t *value)
{
    if (!value || (json_is_null(value) && f->null_default))
        return true;
    if (f->null_default)
        return false;
    if (f->array)
        return json_is_array(value) && json_array_size(value) == 0;
    if (f->type == WIRE_STRING || f->type == WIRE_BYTES)
        return json_is_string(value) && json_string_length(value) == 0;
    if (f->type == WIRE_BOOL)
        return json_is_boolean(value) && json_is_true(value) == (f->number != 0);
    return json_is_integer(value) && json_integer_value(value) == f->number;
}
