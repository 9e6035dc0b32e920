import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.avro.strategy.TopicRecordIdStrategy;
import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.kafka.KafkaMessageFactory;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A service that is not written with Troupe: Apache's Kafka client and Avro, and the CloudEvents SDK.
 *
 * <p>usage: Peer produce|consume confluent|apicurio, with a task on stdin.
 *
 * <p>The values are framed by hand as Confluent's wire format says, or by Apicurio's serdes. The task and the answers
 * are JSON, one answer a line, in the order of the records: see peer_test.go. TROUPE_BROKERS, TROUPE_REGISTRY,
 * TROUPE_TLS_CA and TROUPE_SASL_* say where the services are.
 */
public class Peer {
  static final Duration PATIENCE = Duration.ofSeconds(30);
  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
    JsonNode task = JSON.readTree(System.in);
    String registry = System.getenv("TROUPE_REGISTRY");
    Serde serde = args[1].equals("apicurio") ? new Apicurio(registry, task) : new Confluent(registry, task);
    if (args[0].equals("produce")) {
      produce(task, serde);
    } else {
      consume(task, serde);
    }
    System.exit(0); // Apicurio's client leaves threads behind
  }

  /** Encodes and decodes values. What goes into headers is put there, and looked for there. */
  interface Serde {
    byte[] encode(String type, GenericRecord record, boolean guid, Headers headers) throws Exception;

    GenericRecord decode(String type, byte[] value, Headers headers) throws Exception;
  }

  static void produce(JsonNode task, Serde serde) throws Exception {
    String topic = task.get("topic").asText();
    Map<String, KafkaProducer<String, byte[]>> producers = new HashMap<>();
    List<Future<RecordMetadata>> acks = new ArrayList<>();
    try {
      for (JsonNode r : task.get("records")) {
        Headers headers = new RecordHeaders();
        byte[] value = null;
        if (r.hasNonNull("value")) {
          String type = r.get("type").asText();
          GenericRecord record = (GenericRecord) toAvro(r.get("value"), schemaOf(task, type));
          value = serde.encode(type, record, r.path("guid").asBoolean(), headers);
        }
        String key = r.hasNonNull("key") ? r.get("key").asText() : null;
        var record = new ProducerRecord<>(topic, null, key, value, headers);
        if (r.hasNonNull("event")) {
          record = KafkaMessageFactory.createWriter(topic, key).writeBinary(event(r.get("event"), value));
          headers.forEach(record.headers()::add);
        }
        for (JsonNode h : r.path("headers")) {
          record.headers().add(h.get(0).asText(), h.get(1).asText().getBytes(StandardCharsets.UTF_8));
        }
        acks.add(producers.computeIfAbsent(r.path("codec").asText("none"), Peer::producer).send(record));
      }
      for (var ack : acks) {
        RecordMetadata m = ack.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        System.out.println(JSON.createObjectNode().put("partition", m.partition()).put("offset", m.offset()));
      }
    } finally {
      producers.values().forEach(KafkaProducer::close);
    }
  }

  static KafkaProducer<String, byte[]> producer(String codec) {
    Map<String, Object> conf = connection();
    conf.put("compression.type", codec);
    return new KafkaProducer<>(conf, new StringSerializer(), new ByteArraySerializer());
  }

  static void consume(JsonNode task, Serde serde) throws Exception {
    String topic = task.get("topic").asText();
    int left = task.get("count").asInt();
    long until = System.nanoTime() + PATIENCE.toNanos();
    try (var consumer = new KafkaConsumer<>(connection(), new StringDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> all =
          consumer.partitionsFor(topic, PATIENCE).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      while (left > 0) {
        if (System.nanoTime() > until) {
          throw new IllegalStateException(left + " records did not come within " + PATIENCE);
        }
        for (ConsumerRecord<String, byte[]> r : consumer.poll(Duration.ofSeconds(1))) {
          System.out.println(read(r, serde));
          left--;
        }
      }
    }
  }

  static ObjectNode read(ConsumerRecord<String, byte[]> r, Serde serde) throws Exception {
    ObjectNode out = JSON.createObjectNode();
    out.put("partition", r.partition()).put("offset", r.offset()).put("key", r.key());
    ArrayNode headers = out.putArray("headers");
    for (Header h : r.headers()) {
      headers.addArray().add(h.key()).add(text(h.value()));
    }
    String type = text(r.headers().lastHeader("ce_type").value());
    out.set("value", toJson(serde.decode(type, r.value(), r.headers())));
    CloudEvent event = KafkaMessageFactory.createReader(r).toEvent();
    ObjectNode attributes = out.putObject("event");
    for (String name : event.getAttributeNames()) {
      attributes.put(name, event.getAttribute(name).toString());
    }
    for (String name : event.getExtensionNames()) {
      attributes.put(name, event.getExtension(name).toString());
    }
    return out;
  }

  static CloudEvent event(JsonNode attributes, byte[] data) {
    var b = CloudEventBuilder.v1();
    for (var a : attributes.properties()) {
      String v = a.getValue().asText();
      switch (a.getKey()) {
        case "time" -> b.withTime(OffsetDateTime.parse(v));
        case "dataschema" -> b.withDataSchema(URI.create(v));
        case "specversion" -> {} // the builder's
        default -> b.withContextAttribute(a.getKey(), v);
      }
    }
    return b.withData(data).build();
  }

  /** Fails on anything but UTF-8. */
  static String text(byte[] b) throws CharacterCodingException {
    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(b)).toString();
  }

  static Map<String, Object> connection() {
    Map<String, String> env = System.getenv();
    Map<String, Object> conf = new HashMap<>();
    conf.put("bootstrap.servers", env.get("TROUPE_BROKERS"));
    boolean tls = env.containsKey("TROUPE_TLS_CA"), sasl = env.containsKey("TROUPE_SASL_MECHANISM");
    conf.put("security.protocol", (sasl ? "SASL_" : "") + (tls ? "SSL" : "PLAINTEXT"));
    if (tls) {
      conf.put("ssl.truststore.type", "PEM");
      conf.put("ssl.truststore.location", env.get("TROUPE_TLS_CA"));
    }
    if (sasl) {
      String mechanism = env.get("TROUPE_SASL_MECHANISM");
      String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
      conf.put("sasl.mechanism", mechanism);
      conf.put(
          "sasl.jaas.config",
          "org.apache.kafka.common.security.%s required username=\"%s\" password=\"%s\";"
              .formatted(module, env.get("TROUPE_SASL_USERNAME"), env.get("TROUPE_SASL_PASSWORD")));
    }
    return conf;
  }

  static Schema schemaOf(JsonNode task, String type) {
    return new Schema.Parser().parse(task.get("types").get(type).get("schema").asText());
  }

  /** The value of a schema that plain JSON means: null or the other branch, not Avro's own JSON. */
  static Object toAvro(JsonNode n, Schema s) {
    switch (s.getType()) {
      case RECORD:
        var record = new GenericData.Record(s);
        s.getFields().forEach(f -> record.put(f.name(), toAvro(n.get(f.name()), f.schema())));
        return record;
      case ARRAY:
        var array = new GenericData.Array<>(n.size(), s);
        n.forEach(item -> array.add(toAvro(item, s.getElementType())));
        return array;
      case UNION:
        return n.isNull() ? null : toAvro(n, s.getTypes().get(1));
      case STRING:
        return n.asText();
      case LONG:
        return n.asLong();
      case INT:
        return n.asInt();
      default:
        throw new IllegalArgumentException("no " + s.getType() + " expected");
    }
  }

  static JsonNode toJson(Object v) {
    if (v instanceof GenericRecord r) {
      ObjectNode o = JSON.createObjectNode();
      r.getSchema().getFields().forEach(f -> o.set(f.name(), toJson(r.get(f.pos()))));
      return o;
    }
    if (v instanceof List<?> items) {
      ArrayNode a = JSON.createArrayNode();
      items.forEach(item -> a.add(toJson(item)));
      return a;
    }
    return JSON.valueToTree(v instanceof CharSequence ? v.toString() : v);
  }

  /** Confluent's wire format, written by hand over its registry API. */
  static class Confluent implements Serde {
    final HttpClient http = HttpClient.newHttpClient();
    final String registry;
    final JsonNode task;
    final Map<String, JsonNode> answers = new HashMap<>();

    Confluent(String registry, JsonNode task) {
      this.registry = registry;
      this.task = task;
    }

    public byte[] encode(String type, GenericRecord record, boolean guid, Headers headers) throws Exception {
      JsonNode t = task.get("types").get(type);
      int id = register(t.get("subject").asText(), t.get("schema").asText());
      var out = new ByteArrayOutputStream();
      if (guid) {
        UUID u = UUID.fromString(call("/schemas/ids/" + id, null).get("guid").asText());
        ByteBuffer b = ByteBuffer.allocate(17).put((byte) 1);
        b.putLong(u.getMostSignificantBits()).putLong(u.getLeastSignificantBits());
        headers.add("__value_schema_id", b.array());
      } else {
        out.write(ByteBuffer.allocate(5).put((byte) 0).putInt(id).array());
      }
      BinaryEncoder avro = EncoderFactory.get().binaryEncoder(out, null);
      new GenericDatumWriter<GenericRecord>(record.getSchema()).write(record, avro);
      avro.flush();
      return out.toByteArray();
    }

    public GenericRecord decode(String type, byte[] value, Headers headers) throws Exception {
      ByteBuffer b = ByteBuffer.wrap(value);
      if (b.get() != 0) {
        throw new IOException("the value does not start with 0x00");
      }
      Schema writer = new Schema.Parser().parse(call("/schemas/ids/" + b.getInt(), null).get("schema").asText());
      BinaryDecoder avro = DecoderFactory.get().binaryDecoder(value, b.position(), b.remaining(), null);
      GenericRecord record = new GenericDatumReader<GenericRecord>(writer, schemaOf(task, type)).read(null, avro);
      if (!avro.isEnd()) {
        throw new IOException("there is more than one record in the value");
      }
      return record;
    }

    int register(String subject, String schema) throws Exception {
      String path = "/subjects/" + URLEncoder.encode(subject, StandardCharsets.UTF_8) + "/versions";
      return call(path, JSON.createObjectNode().put("schema", schema).toString()).get("id").asInt();
    }

    /** Asks the registry, once for each question. */
    JsonNode call(String path, String body) throws Exception {
      JsonNode known = answers.get(path);
      if (known != null) {
        return known;
      }
      var request = HttpRequest.newBuilder(URI.create(registry + path)).timeout(PATIENCE);
      if (body != null) {
        request.header("Content-Type", "application/vnd.schemaregistry.v1+json");
        request.POST(HttpRequest.BodyPublishers.ofString(body));
      }
      var response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IOException(path + ": " + response.statusCode() + " " + response.body());
      }
      JsonNode answer = JSON.readTree(response.body());
      answers.put(path, answer);
      return answer;
    }
  }

  /** Apicurio's serdes over its own API. */
  static class Apicurio implements Serde {
    final JsonNode task;
    final String topic;
    final Map<String, Object> conf = new HashMap<>();
    final Map<String, AvroKafkaSerializer<GenericRecord>> serializers = new HashMap<>();
    final AvroKafkaDeserializer<GenericRecord> deserializer = new AvroKafkaDeserializer<>();

    Apicurio(String registry, JsonNode task) {
      this.task = task;
      topic = task.get("topic").asText();
      conf.put("apicurio.registry.url", registry.replace("/apis/ccompat/v7", "/apis/registry/v3"));
      conf.put("apicurio.registry.auto-register", true);
      deserializer.configure(conf, false);
    }

    public byte[] encode(String type, GenericRecord record, boolean guid, Headers headers) {
      return serializers.computeIfAbsent(type, this::serializer).serialize(topic, headers, record);
    }

    AvroKafkaSerializer<GenericRecord> serializer(String type) {
      Map<String, Object> own = new HashMap<>(conf);
      if (!task.get("types").get(type).get("subject").asText().equals(topic + "-value")) {
        own.put("apicurio.registry.artifact-resolver-strategy", TopicRecordIdStrategy.class.getName());
        // This strategy makes a group of the namespace, where its Confluent API can't find the nested types.
        own.put("apicurio.registry.dereference-schema", true);
      }
      var s = new AvroKafkaSerializer<GenericRecord>();
      s.configure(own, false);
      return s;
    }

    public GenericRecord decode(String type, byte[] value, Headers headers) {
      return deserializer.deserialize(topic, headers, value);
    }
  }
}
