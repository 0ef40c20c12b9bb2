-- A shop in which something happens: every second an order comes in, an old one is paid, and a very old one goes.
CREATE USER 'cdc'@'%' IDENTIFIED BY 'cdc';
GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT, XA_RECOVER_ADMIN ON *.* TO 'cdc'@'%';

CREATE DATABASE shop;
USE shop;
CREATE TABLE orders (
  id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT,
  customer VARCHAR(60) NOT NULL,
  total DECIMAL(10, 2) NOT NULL,
  state ENUM('open', 'paid') NOT NULL DEFAULT 'open',
  changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
);
INSERT INTO orders (customer, total) VALUES ('Ada', 12.50), ('Grace', 99.90), ('Edsger', 7.00);

CREATE EVENT orders_come ON SCHEDULE EVERY 1 SECOND DO
  INSERT INTO orders (customer, total) VALUES (ELT(1 + FLOOR(RAND() * 3), 'Ada', 'Grace', 'Edsger'), ROUND(RAND() * 100, 2));
CREATE EVENT orders_are_paid ON SCHEDULE EVERY 1 SECOND DO
  UPDATE orders SET state = 'paid' WHERE state = 'open' AND changed < NOW() - INTERVAL 5 SECOND LIMIT 1;
CREATE EVENT orders_go ON SCHEDULE EVERY 10 SECOND DO
  DELETE FROM orders WHERE changed < NOW() - INTERVAL 10 MINUTE;
