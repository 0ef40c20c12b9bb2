import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What Kafka's own client takes for records that all go to one topic, and for as many that each go to another topic. Arguments: the brokers, the prefix of the topics' names, how many
 * records, their bytes, the bytes of the buffer and of a batch in it, of one topic and of many. Prints for both the seconds until all were acknowledged and this process's CPU seconds meanwhile.
 */
public class SpreadRecords {
  /** The client asks for a topic when its first record comes, and waits for the answer: one after the other, ten thousand take minutes. */
  private static final int ASKING_THREADS = 64;

  public static void main(String[] args) throws Exception {
    int records = Integer.parseInt(args[2]);
    byte[] value = new byte[Integer.parseInt(args[3])];
    List<String> topics = topicsOf(args[0], args[1]);
    measure("one", topics.subList(0, 1), settings(args[0], args[4], args[5]), records, value);
    measure("spread", topics, settings(args[0], args[4], args[6]), records, value);
  }

  /** The client's code is compiled, and all partitions are known to it, before the clock starts. */
  private static void measure(String what, List<String> topics, Properties settings, int records, byte[] value)
      throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
      askForAll(producer, topics);
      send(producer, topics, records, value);
      report(what, () -> send(producer, topics, records, value));
    }
  }

  private static List<String> topicsOf(String brokers, String prefix) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    try (Admin admin = Admin.create(settings)) {
      return admin.listTopics().names().get().stream().filter(name -> name.startsWith(prefix)).sorted().toList();
    }
  }

  /** Ordered and acknowledged by all, as the reader's. Nothing is compressed: each batch would have 64 KiB more for that. */
  private static Properties settings(String brokers, String bufferBytes, String batchBytes) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("compression.type", "none");
    settings.put("batch.size", batchBytes);
    settings.put("buffer.memory", bufferBytes);
    settings.put("linger.ms", "50");
    settings.put("max.block.ms", "300000");
    settings.put("request.timeout.ms", "120000");
    settings.put("delivery.timeout.ms", "300000");
    return settings;
  }

  private static void askForAll(KafkaProducer<byte[], byte[]> producer, List<String> topics) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(ASKING_THREADS);
    List<Future<?>> answers = new ArrayList<>();
    for (String topic : topics) answers.add(threads.submit(() -> producer.partitionsFor(topic)));
    for (Future<?> answer : answers) answer.get();
    threads.shutdown();
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, List<String> topics, int records, byte[] value) {
    AtomicReference<Exception> failure = new AtomicReference<>();
    for (int i = 0; i < records; i++) {
      byte[] key = Integer.toString(i).getBytes();
      producer.send(new ProducerRecord<>(topics.get(i % topics.size()), 0, key, value), (metadata, error) -> {
        if (error != null) failure.set(error);
      });
    }
    producer.flush();
    if (failure.get() != null) throw new IllegalStateException(failure.get());
  }

  private static void report(String what, Runnable work) {
    long cpu = cpuNanos();
    long started = System.nanoTime();
    work.run();
    System.out.printf("%s seconds %.6f cpu %.6f%n", what, (System.nanoTime() - started) / 1e9, (cpuNanos() - cpu) / 1e9);
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }
}
